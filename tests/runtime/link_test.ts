import assert from "node:assert/strict";
import {
  type Bus,
  type LucidError,
  soleClaims,
  traceLine,
} from "@lucid/runtime";
import { openMemoryBus } from "@lucid/runtime/bus/memory";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import {
  type ManualClock,
  manualClock,
  seededRandom,
} from "@lucid/runtime/testing";
import { heardBy, Ledger, testHost, Till } from "./sample.ts";

const code = (wanted: string) => (error: LucidError) => error.code === wanted;

/** Two nodes over one bus and one store; ledgers whose id begins with `b` live on n2. */
function twoNodes(options: { bus?: Bus; clock?: ManualClock } = {}) {
  const clock = options.clock ?? manualClock();
  const bus = options.bus ?? openMemoryBus();
  const store = openMemoryStore();
  const locate = (address: string) =>
    address.startsWith("ledger/b") ? "n2" : "n1";
  const open = (node: string) =>
    testHost({
      node,
      clock,
      bus,
      store,
      locate,
      random: seededRandom(node.charCodeAt(1)),
      claims: soleClaims(1),
    }).host;
  return { clock, bus, store, open };
}

Deno.test("link.ask reaches an actor on another node, with its refusals and failures", async () => {
  const { open } = twoNodes();
  const [n1, n2] = [open("n1"), open("n2")];
  assert.deepEqual(
    await n1.ask(Ledger, "ledger/b", "add", { by: 3 }, { op: "x" }),
    { sum: 3 },
  );
  assert.deepEqual(
    await n1.ask(Ledger, "ledger/b", "add", { by: 3 }, { op: "x" }),
    { sum: 3 },
  );
  assert.deepEqual(await n2.ask(Ledger, "ledger/b", "read", {}), { sum: 3 });
  assert.deepEqual(await n2.ask(Till, "till/n1/t", "hear", { word: "w" }), {
    words: 1,
  });
  await assert.rejects(
    n1.ask(Ledger, "ledger/b", "add", { by: -1 }),
    code("ledger/negative"),
  );
  await assert.rejects(
    n1.ask(Ledger, "ledger/b", "crash", {}),
    code("actor/threw"),
  );
  assert.equal(n1.stats().loads, 1, "only the till was loaded here");
  await n1.drain();
  await n2.drain();
});

Deno.test("link.tell crosses nodes in order, and waits for a node that is away", async () => {
  const { clock, store, open } = twoNodes();
  const n1 = open("n1");
  for (const word of ["1", "2", "3"]) {
    await n1.ask(Ledger, "ledger/a", "pass", { to: ["ledger/b"], word });
  }
  await clock.advance(30_000);
  assert.equal(await heardBy(store, "b"), undefined);
  const n2 = open("n2");
  await clock.advance(15_000);
  assert.deepEqual(await heardBy(store, "b"), ["1", "2", "3"]);
  await n1.drain();
  await n2.drain();
});

Deno.test("link.ask finds a node that comes within its deadline, and says so when none comes", async () => {
  const { clock, open } = twoNodes();
  const n1 = open("n1");
  const early = n1.ask(Ledger, "ledger/b", "add", { by: 1 });
  await clock.advance(1_000);
  const n2 = open("n2");
  await clock.advance(200);
  assert.deepEqual(await early, { sum: 1 });
  await n2.drain();
  const late = assert.rejects(
    n1.ask(Ledger, "ledger/b", "read", {}),
    code("actor/unreachable"),
  );
  await clock.advance(5_000);
  await late;
  await n1.drain();
});

Deno.test("link survives frames that are cut, foreign or unnamed", async () => {
  const { bus, open } = twoNodes();
  const n1 = open("n1");
  const frames: Uint8Array[] = [];
  bus.subscribe(
    "lucid.v1.node.n2",
    ({ payload }) => frames.push(payload.slice()),
  );
  const n2 = open("n2");
  await n1.ask(Ledger, "ledger/b", "add", { by: 1 });
  const [frame] = frames;
  for (let length = 0; length < frame!.length; length += 7) {
    bus.publish("lucid.v1.node.n2", frame!.slice(0, length));
  }
  bus.publish(
    "lucid.v1.node.n2",
    new TextEncoder().encode("hello, is anybody there? ".repeat(10)),
  );
  assert.deepEqual(await n1.ask(Ledger, "ledger/b", "read", {}), { sum: 1 });
  assert.match(
    traceLine({ subject: "lucid.v1.node.n2", payload: frame! }),
    /^n1 → n2 {2}#1 ask ledger\/b\.add \(5000 ms\) \{"by":1\}$/,
  );
  assert.match(
    traceLine({ subject: "lucid.v1.node.n2", payload: frame!.slice(1) }),
    /no frame/,
  );
  await n1.drain();
  await n2.drain();
});
