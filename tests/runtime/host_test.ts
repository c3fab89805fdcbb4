import assert from "node:assert/strict";
import {
  type Commit,
  type DocumentKey,
  type Fence,
  LucidError,
  soleClaims,
  type Work,
} from "@lucid/runtime";
import { manualClock, settled, TEST_EPOCH_MS } from "@lucid/runtime/testing";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { bound, heardBy, Ledger, ledger, testHost, Till } from "./sample.ts";

const code = (wanted: string) => (error: unknown) =>
  error instanceof LucidError && error.code === wanted;

Deno.test("host.ask decides, stores and answers", async () => {
  const { host, store } = testHost();
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "add", { by: 2 }), {
    sum: 2,
  });
  assert.deepEqual(await host.ref(Ledger, "a").add({ by: 3 }), { sum: 5 });
  const stored = await store.get({ collection: "ledgers", id: "a" });
  assert.deepEqual(stored?.fields, { sum: 5, entries: 2, heard: [] });
  assert.equal(stored?.version, 2);
  const rows = await store.list("entries", { prefix: "a/", limit: 10 });
  assert.deepEqual(rows.items.map(({ fields }) => fields["by"]), [2, 3]);
  await host.drain();
});

Deno.test("host.ask writes nothing for a command that changes nothing", async () => {
  const { host, store } = testHost();
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "read", {}), { sum: 0 });
  assert.equal(await store.get({ collection: "ledgers", id: "a" }), undefined);
  assert.equal(host.stats().cells, 0, "an absent actor is not kept");
  await host.drain();
});

Deno.test("host.ask gives a refusal its declared code and kind", async () => {
  const { host, store } = testHost();
  await assert.rejects(
    host.ask(Ledger, "ledger/a", "add", { by: -1 }),
    (error) =>
      error instanceof LucidError && error.code === "ledger/negative" &&
      error.kind === "invalid" &&
      error.message === "Cannot add -1 to ledger a: it is negative",
  );
  assert.equal(await store.get({ collection: "ledgers", id: "a" }), undefined);
  await host.drain();
});

Deno.test("host.ask names what is wrong with a request", async () => {
  const { host } = testHost();
  const cases: [string, string, unknown, string][] = [
    ["ledger/a", "add", { by: "x" }, "request/invalid"],
    ["ledger/a", "add", { by: 1, more: 1 }, "request/invalid"],
    ["ledger/a", "toString", {}, "request/unknown-command"],
    ["ledger/n1/a", "add", { by: 1 }, "actor/no-such-kind"],
    ["till/a", "hear", { word: "" }, "actor/no-such-kind"],
    ["nobody/a", "add", { by: 1 }, "actor/no-such-kind"],
    ["ledger/a.b", "add", { by: 1 }, "address/invalid"],
    ["till/n2/a", "hear", { word: "" }, "actor/moved"],
  ];
  for (const [address, command, input, expected] of cases) {
    const outcome = await host.request(address, command, input);
    assert("failed" in outcome);
    assert.equal(outcome.failed, expected, `${address} ${command}`);
  }
  const outcome = await host.request("ledger/a", "add", { by: 1 }, {
    op: "a b",
  });
  assert("failed" in outcome && outcome.failed === "request/invalid");
  await host.drain();
});

Deno.test("host.ask gives the first acceptance again to the same operation", async () => {
  const { host, store } = testHost();
  const ask = () =>
    host.ask(Ledger, "ledger/a", "add", { by: 2 }, { op: "once" });
  assert.deepEqual(await ask(), { sum: 2 });
  assert.deepEqual(await ask(), { sum: 2 });
  await assert.rejects(
    host.ask(Ledger, "ledger/a", "pass", { to: [], word: "" }, { op: "once" }),
    code("request/op-reused"),
  );
  await host.drain();
  const again = testHost({ store, claims: soleClaims(2) });
  assert.deepEqual(
    await again.host.ask(Ledger, "ledger/a", "add", { by: 2 }, { op: "once" }),
    { sum: 2 },
  );
  await again.host.drain();
});

Deno.test("host.ask remembers more answers than the document holds", async () => {
  const { host, store } = testHost();
  for (let i = 0; i < 150; i++) {
    await host.ask(Ledger, "ledger/a", "add", { by: 1 }, { op: `op-${i}` });
  }
  for (const i of [0, 50, 85, 86, 149]) {
    const again = await host.ask(Ledger, "ledger/a", "add", { by: 1 }, {
      op: `op-${i}`,
    });
    assert.deepEqual(again, { sum: i + 1 }, `op-${i}`);
  }
  assert.deepEqual(
    await host.ask(Ledger, "ledger/a", "add", { by: 1 }, { op: "new" }),
    { sum: 151 },
  );
  const answers = await store.list("answers", {
    prefix: "ledger/a#",
    limit: 500,
  });
  assert.equal(answers.items.length, 87);
  await host.drain();
});

Deno.test("host.ask is turned away when too much is waiting", async () => {
  const { host } = testHost();
  const asks = Array.from(
    { length: 600 },
    () => host.request("ledger/a", "add", { by: 1 }),
  );
  const outcomes = await Promise.all(asks);
  const busy = outcomes.filter((outcome) =>
    "failed" in outcome && outcome.failed === "actor/busy"
  );
  assert.equal(busy.length, 600 - 512);
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "read", {}), {
    sum: 512,
  });
  await host.drain();
});

Deno.test("host.ask stops waiting at its deadline", async () => {
  const memory = openMemoryStore();
  const store = {
    ...bound(memory),
    commit: () => new Promise<never>(() => {}),
  };
  const { host, clock } = testHost({ store });
  const ask = host.request("ledger/a", "add", { by: 1 }, { withinMs: 300 });
  await clock.advance(299);
  const waiting = Symbol();
  assert.equal(
    await Promise.race([ask, settled().then(() => waiting)]),
    waiting,
  );
  await clock.advance(1);
  const outcome = await ask;
  assert("failed" in outcome && outcome.failed === "actor/deadline");
  const drained = host.drain();
  await clock.advance(2_000);
  await drained;
});

Deno.test("host.tell arrives in order and leaves its sender's document", async () => {
  const { host, store, clock } = testHost();
  for (const word of ["one", "two", "three"]) {
    await host.ask(Ledger, "ledger/a", "pass", {
      to: ["ledger/b", "till/n1/t"],
      word,
    });
  }
  await clock.advance(2_000);
  assert.deepEqual(await heardBy(store, "b"), ["one", "two", "three"]);
  assert.deepEqual(await host.ask(Till, "till/n1/t", "words", {}), {
    words: ["one", "two", "three"],
  });
  const due = await store.due({
    collection: "ledgers",
    places: [...Array(256).keys()],
    untilMs: Infinity,
    limit: 10,
  });
  assert.deepEqual(due.items, [], "delivered tells have left the document");
  await host.drain();
});

Deno.test("host.tell that is refused is a dead letter and holds nothing up", async () => {
  const { host, store, clock } = testHost();
  for (const word of ["no", "yes"]) {
    await host.ask(Ledger, "ledger/a", "pass", { to: ["ledger/b"], word });
  }
  await clock.advance(1_500);
  assert.deepEqual(await heardBy(store, "b"), ["yes"]);
  const { items: [letter] } = await host.deadLetters({ limit: 10 });
  assert.equal(letter?.fields["code"], "ledger/deaf");
  await host.replay(letter!.id);
  assert.deepEqual(
    await heardBy(store, "b"),
    ["yes"],
    "a refusal was its result",
  );
  await host.drain();
});

Deno.test("host.tell that throws three times is put aside, unblocks the rest and can be replayed once", async () => {
  let broken = true;
  const { host, store, clock } = testHost({
    behaviors: [mendable(() => broken)],
  });
  for (const word of ["crash", "after"]) {
    await host.ask(Ledger, "ledger/a", "pass", { to: ["ledger/b"], word });
  }
  await clock.advance(5_000);
  assert.deepEqual(await heardBy(store, "b"), ["after"]);
  assert.equal(host.stats().throws, 3);
  const { items: [letter] } = await host.deadLetters({ limit: 10 });
  assert.equal(letter?.fields["code"], "actor/threw");
  broken = false;
  await clock.advance(60_000);
  await host.replay(letter!.id);
  await host.replay(letter!.id);
  assert.deepEqual(await heardBy(store, "b"), ["after", "crash"]);
  await assert.rejects(host.replay("nothing"), code("actor/no-such-letter"));
  await host.drain();
});

Deno.test("host.ask that throws is answered internal, and the actor goes on", async () => {
  const { host } = testHost();
  await host.ask(Ledger, "ledger/a", "add", { by: 1 });
  await assert.rejects(
    host.ask(Ledger, "ledger/a", "crash", {}),
    code("actor/threw"),
  );
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "read", {}), { sum: 1 });
  await host.drain();
});

Deno.test("host parks an actor at the fifth message that throws within a minute", async () => {
  const { host, clock } = testHost();
  await host.ask(Ledger, "ledger/a", "add", { by: 1 });
  const parked: string[] = [];
  host.on("lucid.v1.evt.*.*.parked", ({ address }) => parked.push(address));
  const crash = (op: string) => host.request("ledger/a", "crash", {}, { op });
  for (const op of ["1", "2", "3", "3", "4"]) await crash(op);
  await clock.advance(61_000);
  for (const op of ["5", "6", "7", "8"]) await crash(op);
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "read", {}), { sum: 1 });
  await crash("9");
  await assert.rejects(
    host.ask(Ledger, "ledger/a", "read", {}),
    code("actor/poisoned"),
  );
  assert.deepEqual(parked, ["ledger/a"]);
  assert.equal(host.stats().parked, 1);
  await host.drain();
});

Deno.test("host reminds an actor, also after a restart and from beyond the horizon", async () => {
  const { host, store, clock } = testHost();
  const later = (word: string, at_ms: number) =>
    host.ask(Ledger, `ledger/${word}`, "later", { at_ms, word });
  await later("soon", TEST_EPOCH_MS + 5_000);
  await later("late", TEST_EPOCH_MS + 300_000);
  await clock.advance(4_999);
  assert.deepEqual(await heardBy(store, "soon"), []);
  await clock.advance(1);
  assert.deepEqual(await heardBy(store, "soon"), ["soon"]);
  await host.drain();
  await clock.advance(400_000);
  const again = testHost({ store, clock, claims: soleClaims(2) });
  await settled();
  await clock.advance(0);
  assert.deepEqual(await heardBy(store, "late"), ["late"]);
  await again.host.drain();
});

Deno.test("host reminds once, though the store took the write and gave no answer", async () => {
  const memory = openMemoryStore();
  let silent = false;
  const store = {
    ...bound(memory),
    commit: async (write: Commit) => {
      const answer = await memory.commit(write);
      if (silent) throw new Error("no answer");
      return answer;
    },
  };
  const { host, clock } = testHost({ store });
  await host.ask(Ledger, "ledger/a", "later", {
    at_ms: TEST_EPOCH_MS + 1_000,
    word: "x",
  });
  silent = true;
  await clock.advance(1_000);
  silent = false;
  await clock.advance(10_000);
  assert.deepEqual(await heardBy(memory, "a"), ["x"]);
  await host.drain();
});

Deno.test("host.tell that is sent again while its sender is being loaded is not lost", async () => {
  const memory = openMemoryStore();
  const gate = Promise.withResolvers<void>();
  let held = false;
  const store = {
    ...bound(memory),
    load: async (key: DocumentKey, fence: Fence) => {
      if (held && key.id === "a") await gate.promise;
      return await memory.load(key, fence);
    },
    commit: (write: Commit) =>
      held
        ? new Promise<never>((_, reject) =>
          clock.after(4_990, () => reject(new Error("down")))
        )
        : memory.commit(write),
  };
  const { host, clock } = testHost({ store });
  const pass = (word: string) =>
    host.request("ledger/a", "pass", { to: ["ledger/b"], word }, {
      op: word,
      withinMs: 60_000,
    });
  await pass("one");
  await clock.advance(2_000);
  // Busy with something that takes too long, so that the next tell is sent again.
  held = true;
  void host.request("ledger/b", "add", { by: 1 });
  await settled();
  held = false;
  await pass("two");
  held = true;
  void pass("three");
  await clock.advance(5_100);
  held = false;
  gate.resolve();
  await clock.advance(60_000);
  assert.deepEqual(await heardBy(memory, "b"), ["one", "two", "three"]);
  await host.drain();
});

Deno.test("host.tell is taken once from more senders than the document holds", async () => {
  const { host, store, clock } = testHost();
  for (let i = 0; i < 300; i++) {
    await host.ask(Ledger, `ledger/s${i}`, "pass", {
      to: ["ledger/hub"],
      word: `w${i}`,
    });
  }
  await settled();
  const before = await heardBy(store, "hub");
  const marks = await store.list("watermarks", {
    prefix: "ledger/hub#",
    limit: 500,
  });
  assert.equal(marks.items.length, 300 - 256);
  // Before the delivered tells have left their senders: all of them are sent again.
  await host.drain();
  const again = testHost({ store, clock, claims: soleClaims(2) });
  await clock.advance(3_000);
  assert.deepEqual(await heardBy(store, "hub"), before);
  const places = [...Array(256).keys()];
  const due = await store.due({
    collection: "ledgers",
    places,
    untilMs: Infinity,
    limit: 9,
  });
  assert.deepEqual(due.items, []);
  await again.host.drain();
});

Deno.test("host wakes an actor that left memory in time for its reminder", async () => {
  const { host, store, clock } = testHost({ limits: { idleMs: 1_000 } });
  const at_ms = TEST_EPOCH_MS + 123_456;
  await host.ask(Ledger, "ledger/a", "later", { at_ms, word: "x" });
  await clock.advance(60_000);
  assert.equal(host.stats().cells, 0);
  await clock.advance(63_455);
  assert.deepEqual(await heardBy(store, "a"), []);
  await clock.advance(1);
  assert.deepEqual(await heardBy(store, "a"), ["x"]);
  await host.drain();
});

Deno.test("host.effects are tried again until they answer, one at a time per key", async () => {
  const works: Work[] = [];
  let failures = 2;
  const effects = {
    "ledger.fetch": (work: Work) => {
      works.push(work);
      return failures-- > 0
        ? Promise.reject(new LucidError("x/y", "unavailable", "Cannot"))
        : Promise.resolve({ word: `${work.key}!` });
    },
  };
  const { host, store, clock } = testHost({ effects });
  for (const key of ["k", "k"]) {
    await host.ask(Ledger, "ledger/a", "work", { key });
  }
  await settled();
  assert.equal(works.length, 1);
  await clock.advance(5_000);
  assert.deepEqual(await heardBy(store, "a"), ["k!", "k!"]);
  assert.equal(works.length, 4);
  assert.deepEqual({ ...works[0], signal: 0 }, {
    address: "ledger/a",
    node: "",
    id: "a",
    key: "k",
    input: {},
    signal: 0,
  });
  assert.equal(host.stats().retries, 2);
  await host.drain();
});

Deno.test("host.effects that had not answered are performed again after a restart", async () => {
  const { host, store, clock } = testHost({
    effects: { "ledger.fetch": () => new Promise(() => {}) },
  });
  await host.ask(Ledger, "ledger/a", "work", { key: "k" });
  await host.drain();
  const effects = { "ledger.fetch": () => Promise.resolve({ word: "done" }) };
  const again = testHost({ store, clock, effects, claims: soleClaims(2) });
  await clock.advance(0);
  assert.deepEqual(await heardBy(store, "a"), ["done"]);
  await again.host.drain();
});

Deno.test("host copies rows after a restart that came between commit and copy", async () => {
  const memory = openMemoryStore();
  const store = {
    ...bound(memory),
    insertRows: () => new Promise<never>(() => {}),
  };
  const dying = testHost({ store });
  void dying.host.request("ledger/a", "add", { by: 4 });
  await settled();
  assert.equal(
    (await memory.get({ collection: "ledgers", id: "a" }))?.version,
    1,
  );
  assert.deepEqual(
    (await memory.list("entries", { prefix: "", limit: 9 })).items,
    [],
  );
  const { host, clock } = testHost({ store: memory, claims: soleClaims(2) });
  await clock.advance(2_000);
  const { items } = await memory.list("entries", { prefix: "", limit: 9 });
  assert.deepEqual(items.map(({ fields }) => fields), [{ ledger: "a", by: 4 }]);
  const places = [...Array(256).keys()];
  const due = await memory.due({
    collection: "ledgers",
    places,
    untilMs: Infinity,
    limit: 9,
  });
  assert.deepEqual(due.items, [], "the copied rows have left the document");
  await host.drain();
  const drained = dying.host.drain();
  await dying.clock.advance(2_000);
  await drained;
});

Deno.test("host.outbox that nobody empties makes its actor busy, not its reads", async () => {
  const { host } = testHost({
    effects: { "ledger.fetch": () => new Promise(() => {}) },
  });
  for (let i = 0; i < 256; i++) {
    await host.ask(Ledger, "ledger/a", "work", { key: "k" });
  }
  await assert.rejects(
    host.ask(Ledger, "ledger/a", "work", { key: "k" }),
    code("actor/busy"),
  );
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "read", {}), { sum: 0 });
  await host.drain();
});

Deno.test("host.report is repeated unchanged until it is answered", async () => {
  const memory = openMemoryStore();
  let down = true;
  const store = {
    ...bound(memory),
    commit: (write: Parameters<typeof memory.commit>[0]) =>
      down ? Promise.reject(new Error("down")) : memory.commit(write),
  };
  const { host, clock } = testHost({ store });
  const report = host.report(Ledger, "ledger/a", "add", { by: 1 }, {
    op: "fact-1",
  });
  await clock.advance(20_000);
  down = false;
  await clock.advance(10_000);
  assert.deepEqual(await report, { sum: 1 });
  await assert.rejects(
    host.report(Ledger, "ledger/a", "add", { by: -1 }, { op: "fact-2" }),
    code("ledger/negative"),
  );
  const signal = AbortSignal.abort(new Error("stop"));
  await assert.rejects(
    host.report(Ledger, "ledger/a", "add", { by: 1 }, { op: "fact-3", signal }),
    /stop/,
  );
  await host.drain();
});

Deno.test("host.on hears events after the commit, by pattern", async () => {
  const { host, store } = testHost();
  const heard: unknown[] = [];
  const stop = host.on("lucid.v1.evt.ledger.a.>", async (event) => {
    heard.push(event.data);
    heard.push((await store.get({ collection: "ledgers", id: "a" }))?.version);
  });
  await host.ask(Ledger, "ledger/a", "add", { by: 7 });
  await host.ask(Ledger, "ledger/b", "add", { by: 8 });
  stop();
  await host.ask(Ledger, "ledger/a", "add", { by: 9 });
  assert.deepEqual(heard, [{ by: 7 }, 1]);
  await host.drain();
});

Deno.test("host lets go of what is idle and of what is too much", async () => {
  const { host, clock } = testHost({ limits: { cellsMax: 3 } });
  for (const id of ["a", "b", "c", "d", "e"]) {
    await host.ask(Ledger, `ledger/${id}`, "add", { by: 1 });
    await clock.advance(500);
  }
  assert.equal(host.stats().cells, 5);
  await clock.advance(10_000);
  assert.equal(host.stats().cells, 3);
  await clock.advance(150_000);
  assert.equal(host.stats().cells, 0);
  assert.deepEqual(await host.ask(Ledger, "ledger/a", "read", {}), { sum: 1 });
  await host.drain();
});

Deno.test("host.drain refuses what is new and finishes what was begun", async () => {
  const { host, store } = testHost();
  const asks = [1, 2, 3].map((by) =>
    host.ask(Ledger, "ledger/a", "add", { by })
  );
  const drained = host.drain();
  await assert.rejects(
    host.ask(Ledger, "ledger/a", "read", {}),
    code("actor/draining"),
  );
  await drained;
  assert.deepEqual(await Promise.all(asks), [{ sum: 1 }, { sum: 3 }, {
    sum: 6,
  }]);
  assert.equal(
    (await store.get({ collection: "ledgers", id: "a" }))?.version,
    3,
  );
});

Deno.test("host that was superseded cannot write, and says so", async () => {
  const clock = manualClock();
  const store = openMemoryStore();
  const old = testHost({ store, clock, claims: soleClaims(1) });
  await old.host.ask(Ledger, "ledger/a", "add", { by: 1 });
  const young = testHost({ store, clock, claims: soleClaims(2) });
  await young.host.ask(Ledger, "ledger/a", "add", { by: 10 });
  await assert.rejects(
    old.host.ask(Ledger, "ledger/a", "add", { by: 100 }),
    code("actor/moved"),
  );
  assert.deepEqual(
    await young.host.ask(Ledger, "ledger/a", "add", { by: 1000 }),
    { sum: 1011 },
  );
  await old.host.drain();
  await young.host.drain();
});

/** A ledger whose bug can be mended while it runs. */
function mendable(broken: () => boolean): typeof ledger {
  const hear: typeof ledger.decide.hear = (state, input, context) =>
    broken() || input.word !== "crash"
      ? ledger.decide.hear(state, input, context)
      : { events: [{ type: "heard", data: input }], reply: {} };
  return { ...ledger, decide: { ...ledger.decide, hear } };
}
