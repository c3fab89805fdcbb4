/**
 * What every store must do: the suite that all drivers pass.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Commit, Fence, Store, Stored } from "@lucid/runtime";

/** How a driver is opened for a test. */
export interface StoreDriver {
  readonly name: string;
  /** A place for the data of one test. */
  readonly prepare: () => Promise<{
    /** Open the store over that place; opening again is a restart. */
    readonly open: () => Promise<Store>;
    readonly remove: () => Promise<void>;
  }>;
}

const KEY = { collection: "things", id: "a" };

function fence(epoch: number, incarnation: string, activation: number): Fence {
  return { epoch, incarnation, activation };
}

function stored(
  version: number,
  held: Fence,
  fields: Record<string, unknown> = {},
  rt: { place?: number | string; due?: number } = {},
): Stored {
  return { ...fields, _rt: { version, fence: held, place: 7, ...rt } };
}

function write(
  version: number,
  held: Fence,
  fields: Record<string, unknown> = {},
): Commit {
  return {
    ...KEY,
    fence: held,
    version,
    document: stored(version + 1, held, fields),
  };
}

/** Each case has a store of its own; `reopen` is a restart of the process. */
const CASES: Record<
  string,
  (store: Store, reopen: () => Promise<Store>) => Promise<void>
> = {
  async "load of nothing writes nothing"(store) {
    assert.deepEqual(await store.load(KEY, fence(1, "A", 1)), {
      found: "nothing",
    });
    assert.equal(await store.get(KEY), undefined);
  },

  async "commit inserts once"(store) {
    assert.equal(
      await store.commit(write(0, fence(1, "A", 1), { n: 1 })),
      "committed",
    );
    assert.equal(
      await store.commit(write(0, fence(1, "A", 2), { n: 2 })),
      "refused",
    );
    assert.deepEqual(await store.get(KEY), {
      id: "a",
      version: 1,
      fields: { n: 1 },
    });
  },

  async "commit is refused on another version or fence"(store) {
    const mine = fence(1, "A", 1);
    await store.commit(write(0, mine));
    assert.equal(await store.commit(write(2, mine)), "refused");
    for (
      const other of [fence(2, "A", 1), fence(1, "B", 1), fence(1, "A", 2)]
    ) {
      assert.equal(await store.commit(write(1, other)), "refused");
    }
    assert.equal(await store.commit(write(1, mine)), "committed");
    assert.equal(
      await store.commit(write(1, mine)),
      "refused",
      "the version has moved on",
    );
    assert.equal(
      await store.commit({ ...write(1, mine), id: "b" }),
      "refused",
      "nothing is there",
    );
  },

  async "load fences out whoever held the document"(store) {
    const old = fence(1, "A", 1);
    await store.commit(write(0, old, { n: 1 }));
    const young = fence(1, "A", 2);
    const loaded = await store.load(KEY, young);
    assert.deepEqual(loaded, {
      found: "document",
      document: stored(1, young, { n: 1 }),
    });
    assert.equal(await store.commit(write(1, old, { n: 2 })), "refused");
    assert.equal(await store.commit(write(1, young, { n: 3 })), "committed");
    assert.deepEqual((await store.get(KEY))?.fields, { n: 3 });
  },

  async "load goes through by epoch, then incarnation, then activation"(store) {
    await store.commit(write(0, fence(5, "M", 5)));
    const held = fence(5, "M", 5);
    for (
      const lower of [fence(4, "Z", 9), fence(5, "M", 5), fence(5, "M", 4)]
    ) {
      assert.deepEqual(await store.load(KEY, lower), {
        found: "fenced",
        fence: held,
      });
    }
    for (
      const higher of [fence(5, "M", 6), fence(5, "L", 1), fence(6, "A", 1)]
    ) {
      const { found } = await store.load(KEY, higher);
      assert.equal(found, "document", JSON.stringify(higher));
    }
    assert.equal(await store.commit(write(1, held)), "refused");
    const last = fence(6, "A", 1);
    assert.equal(await store.commit(write(1, last)), "committed");
  },

  async "a lost answer is found by loading again"(store) {
    await store.commit(write(0, fence(1, "A", 1)));
    void store.commit(write(1, fence(1, "A", 1), { n: 2 }));
    const loaded = await store.load(KEY, fence(1, "A", 2));
    assert(loaded.found === "document");
    assert.equal(loaded.document._rt.version, 2);
    assert.equal(loaded.document["n"], 2);
  },

  async "a late write is refused, whether update or insert"(store) {
    assert.equal((await store.load(KEY, fence(1, "A", 1))).found, "nothing");
    const lateInsert = write(0, fence(1, "A", 1), { n: "late" });
    await store.commit(write(0, fence(1, "A", 2), { n: "first" }));
    assert.equal(await store.commit(lateInsert), "refused");
    const lateUpdate = write(1, fence(1, "A", 2), { n: "late" });
    await store.load(KEY, fence(1, "A", 3));
    assert.equal(await store.commit(lateUpdate), "refused");
    assert.deepEqual((await store.get(KEY))?.fields, { n: "first" });
  },

  async "reordered commits: the one that comes too early or too late is refused"(
    store,
  ) {
    const mine = fence(1, "A", 1);
    await store.commit(write(0, mine));
    const answers = await Promise.all([
      store.commit(write(2, mine, { n: 3 })),
      store.commit(write(1, mine, { n: 2 })),
      store.commit(write(1, mine, { n: "again" })),
    ]);
    assert.deepEqual(answers, ["refused", "committed", "refused"]);
    assert.deepEqual((await store.get(KEY))?.fields, { n: 2 });
  },

  async "what was committed survives a restart, and so does its fence"(
    store,
    reopen,
  ) {
    const text = "ünï \u{1F680} \\ \" ' \u0000";
    await store.commit(
      write(0, fence(3, "A", 1), {
        text,
        nested: { list: [1, 2.5, null, true] },
      }),
    );
    await store.insertRows([{ table: "rows", key: "r", value: { n: 1 } }]);
    await store.close();
    await assert.rejects(store.get(KEY));
    const again = await reopen();
    assert.deepEqual((await again.get(KEY))?.fields, {
      text,
      nested: { list: [1, 2.5, null, true] },
    });
    assert.equal((await again.load(KEY, fence(2, "B", 1))).found, "fenced");
    assert.deepEqual(
      (await again.get({ collection: "rows", id: "r" }))?.fields,
      { n: 1 },
    );
  },

  async "two hundred writers at once, one winner per version"(store) {
    const mine = fence(1, "A", 1);
    await store.commit(write(0, mine));
    for (let version = 1; version <= 5; version++) {
      const answers = await Promise.all(
        Array.from(
          { length: 40 },
          (_, n) => store.commit(write(version, mine, { n })),
        ),
      );
      assert.equal(
        answers.filter((answer) => answer === "committed").length,
        1,
      );
    }
  },

  async "insertRows keeps the first bytes of a key"(store) {
    await store.insertRows([{ table: "rows", key: "r/0", value: { n: 1 } }]);
    await store.insertRows([
      { table: "rows", key: "r/0", value: { n: 2 } },
      { table: "rows", key: "r/1", value: { n: 3 } },
    ]);
    const { items } = await store.list("rows", { prefix: "r/", limit: 10 });
    assert.deepEqual(items, [
      { id: "r/0", version: 0, fields: { n: 1 } },
      { id: "r/1", version: 0, fields: { n: 3 } },
    ]);
  },

  async "list pages by prefix, in both directions"(store) {
    const keys = ["a/1", "a/2", "a/3", "a/4", "a/5", "a", "b/1", "a0"];
    await store.insertRows(
      keys.map((key) => ({ table: "rows", key, value: {} })),
    );
    const walk = async (descending: boolean): Promise<string[]> => {
      const ids: string[] = [];
      for (let after: string | undefined;;) {
        const page = await store.list("rows", {
          prefix: "a/",
          descending,
          limit: 2,
          ...(after && { after }),
        });
        assert(page.items.length <= 2);
        ids.push(...page.items.map(({ id }) => id));
        if ((after = page.next) === undefined) return ids;
      }
    };
    assert.deepEqual(await walk(false), ["a/1", "a/2", "a/3", "a/4", "a/5"]);
    assert.deepEqual(await walk(true), ["a/5", "a/4", "a/3", "a/2", "a/1"]);
    assert.equal(
      (await store.list("rows", { prefix: "", limit: 100 })).items.length,
      keys.length,
    );
  },

  async "query filters, sorts and pages, and absent fields come first"(store) {
    await store.declare([
      { collection: "rows", fields: ["owner", "at"] },
      { collection: "rows", fields: ["source.kind"] },
    ]);
    await store.declare([{ collection: "rows", fields: ["owner", "at"] }]);
    const row = (key: string, value: Record<string, unknown>) => ({
      table: "rows",
      key,
      value,
    });
    await store.insertRows([
      row("1", { owner: "x", at: 30, source: { kind: "desktop" } }),
      row("2", { owner: "x", at: 10, open: true }),
      row("3", { owner: "y", at: 20 }),
      row("4", { owner: "x", at: 10 }),
      row("5", { owner: "x" }),
      row("6", { owner: "x", at: 9, open: false }),
    ]);
    const walk = async (query: object): Promise<string> => {
      const ids: string[] = [];
      for (let after: string | undefined;;) {
        const page = await store.query("rows", {
          limit: 2,
          ...query,
          ...(after && { after }),
        });
        ids.push(...page.items.map(({ id }) => id));
        if ((after = page.next) === undefined) return ids.join("");
      }
    };
    assert.equal(await walk({}), "123456");
    assert.equal(await walk({ descending: true }), "654321");
    assert.equal(await walk({ where: { owner: "x" }, sort: "at" }), "56241");
    assert.equal(
      await walk({ where: { owner: "x" }, sort: "at", descending: true }),
      "14265",
    );
    assert.equal(await walk({ where: { owner: "x", at: 10 } }), "24");
    assert.equal(await walk({ where: { "source.kind": "desktop" } }), "1");
    assert.equal(await walk({ where: { open: true } }), "2");
    assert.equal(await walk({ where: { owner: "z" } }), "");
    await assert.rejects(
      store.query("rows", { limit: 2, after: "nonsense" }),
      /cursor/,
    );
  },

  async "due finds who wants to be woken, by place and time"(store) {
    const held = fence(1, "A", 1);
    const put = (id: string, place: number | string, due?: number) =>
      store.commit({
        collection: "things",
        id,
        fence: held,
        version: 0,
        document: stored(1, held, {}, {
          place,
          ...(due !== undefined && { due }),
        }),
      });
    await put("now", 7, 0);
    await put("soon", 7, 500);
    await put("late", 7, 2000);
    await put("never", 7);
    await put("else", 8, 0);
    await put("here", "n1", 100);
    const due = async (
      places: (number | string)[],
      limit = 10,
      after?: string,
    ) =>
      await store.due({
        collection: "things",
        places,
        untilMs: 1000,
        limit,
        ...(after && { after }),
      });
    assert.deepEqual((await due([7])).items, ["now", "soon"]);
    assert.deepEqual((await due([7, "n1"])).items, ["now", "here", "soon"]);
    assert.deepEqual((await due(["7"])).items, []);
    const first = await due([7, "n1"], 2);
    assert.deepEqual(first.items, ["now", "here"]);
    assert.deepEqual(await due([7, "n1"], 2, first.next), { items: ["soon"] });
    const young = fence(2, "A", 1);
    await store.load({ collection: "things", id: "now" }, young);
    assert.deepEqual(
      (await due([7])).items,
      ["now", "soon"],
      "a load leaves it due",
    );
    await store.commit({
      collection: "things",
      id: "now",
      fence: young,
      version: 1,
      document: stored(2, young),
    });
    assert.deepEqual((await due([7])).items, ["soon"]);
  },

  async "names cannot reach into a statement"(store) {
    await store.insertRows([{ table: "rows", key: "r", value: {} }]);
    for (const name of ['x" --', "x;y", "X", "", "x'y"]) {
      await assert.rejects(store.get({ collection: name, id: "a" }), {
        code: "store/name",
      });
      await assert.rejects(
        store.query("rows", { where: { [name]: 1 }, limit: 1 }),
        { code: "store/name" },
      );
    }
    assert.equal(
      await store.get({ collection: "rows", id: "' OR 1=1 --" }),
      undefined,
    );
  },
};

/** The names of the cases, with what each does to a store. */
export const storeCases: Readonly<typeof CASES> = CASES;

/** Run every case over `driver`. */
export function testStore(driver: StoreDriver): void {
  for (const [name, run] of Object.entries(CASES)) {
    Deno.test(`${driver.name} store: ${name}`, async () => {
      const { open, remove } = await driver.prepare();
      const opened: Store[] = [];
      const reopen = async (): Promise<Store> => {
        const store = await open();
        opened.push(store);
        return store;
      };
      try {
        await run(await reopen(), reopen);
      } finally {
        for (const store of opened) await store.close();
        await remove();
      }
    });
  }
}
