import assert from "node:assert/strict";
import type { Store } from "@lucid/runtime";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { storeCases, testStore } from "./store.ts";

testStore({
  name: "memory",
  prepare() {
    const memory = new Map();
    return Promise.resolve({
      open: () => Promise.resolve(openMemoryStore(memory)),
      remove: () => Promise.resolve(),
    });
  },
});

/** Drivers with one fault each, which the suite must notice. */
const SABOTAGE: Record<string, (store: Store) => Partial<Store>> = {
  "has no fault": () => ({}),
  "commits whatever comes": (store) => ({
    commit: async (write) => {
      const { found } = await store.load(write, {
        epoch: 99,
        incarnation: "X",
        activation: 1,
      });
      return found === "nothing" ? await store.commit(write) : "committed";
    },
  }),
  "ignores the fence": (store) => ({
    load: async (key, fence) => {
      const found = await store.get(key);
      if (found === undefined) return { found: "nothing" };
      const { fields, version } = found;
      return {
        found: "document",
        document: { ...fields, _rt: { version, fence, place: 7 } },
      };
    },
  }),
  "overwrites rows": (store) => ({
    insertRows: (rows) =>
      store.insertRows(rows.map((row) => ({ ...row, key: row.key + "!" }))),
  }),
  "forgets to page": (store) => ({
    list: (collection, { after: _, ...listing }) =>
      store.list(collection, { ...listing, limit: 1000 }),
  }),
};

for (const [fault, sabotage] of Object.entries(SABOTAGE)) {
  const sound = fault === "has no fault";
  Deno.test(`store suite ${sound ? "accepts" : "notices"} a driver that ${fault}`, async () => {
    let noticed = 0;
    for (const run of Object.values(storeCases)) {
      const memory = new Map();
      const open = (): Promise<Store> => {
        const store = openMemoryStore(memory);
        const names = [
          "load",
          "commit",
          "insertRows",
          "get",
          "list",
          "query",
          "due",
          "declare",
          "close",
        ] as const;
        const bound = Object.fromEntries(
          names.map((
            name,
          ) => [
            name,
            (store[name] as (...args: unknown[]) => unknown).bind(store),
          ]),
        );
        return Promise.resolve({ ...bound, ...sabotage(store) } as Store);
      };
      try {
        await run(await open(), open);
      } catch {
        noticed++;
      }
    }
    assert.equal(noticed === 0, sound, `${noticed} cases failed`);
  });
}
