import assert from "node:assert/strict";
import type { EventOf } from "@lucid/runtime";
import type { Round } from "../../actors/round/protocol.ts";
import { round } from "../../actors/round/round.ts";
import { CONTEXT, outcome, stateAfter } from "../support/story.ts";

type Event = EventOf<typeof Round>;
const { now } = CONTEXT;
const hash = (n: number) => n.toString(16).padStart(64, "0");
const notify = "session/01JD0000000000000000000000";
const submitted = (n: number): Event => ({
  type: "submitted",
  data: { entry_id: hash(n), entry: "AAAA", notify },
});
const block = (count: number) => ({
  height: 7,
  blockId: hash(99),
  blockTime: now,
  entries: Array.from({ length: count }, (_, n) => ({
    entryId: hash(n),
    entryIndex: 100 + n,
  })),
});

Deno.test("round.submit hands the entry to the loop, once", () => {
  const input = { entryId: hash(1), entry: "AAAA", notify };
  assert.deepEqual(outcome(round, [], "submit", input), {
    events: [submitted(1)],
    reply: {},
    then: [{
      perform: "include",
      key: hash(1),
      input: { entryId: hash(1), entry: "AAAA" },
      answer: "included",
    }],
  });
  assert.deepEqual(outcome(round, [submitted(1)], "submit", input), {
    events: [],
    reply: {},
  });
});

Deno.test("round.submit sends a sender away when a block's worth waits", () => {
  const given = Array.from({ length: 1_000 }, (_, n) => submitted(n));
  const accepted = outcome(round, given, "submit", {
    entryId: hash(5_000),
    entry: "AAAA",
    notify,
  });
  assert.ok(!("refused" in accepted));
  assert.deepEqual(accepted.events, []);
  assert.equal(
    (accepted.then?.[0] as { command: string }).command,
    "anchorRefused",
  );
});

Deno.test("round.decided owes news to senders, and settle tells 64 at a time", () => {
  const given = Array.from({ length: 100 }, (_, n) => submitted(n));
  const accepted = outcome(round, given, "decided", block(100));
  assert.ok(!("refused" in accepted));
  assert.deepEqual(accepted.then, [{
    remind: "settle",
    atMs: now,
    input: {},
  }]);
  const after = [...given, ...accepted.events];
  assert.equal(stateAfter(round, after).pending.length, 0);
  const first = outcome(round, after, "settle", {});
  assert.ok(!("refused" in first));
  assert.equal(first.then?.length, 65);
  assert.deepEqual(first.then?.[0], {
    tell: notify,
    command: "anchored",
    input: {
      entryId: hash(0),
      entryIndex: 100,
      height: 7,
      blockId: hash(99),
      blockTime: now,
    },
  });
  const second = outcome(round, [...after, ...first.events], "settle", {});
  assert.ok(!("refused" in second));
  assert.equal(second.then?.length, 36);
});

Deno.test("round.decided of entries nobody here waits for writes nothing", () =>
  assert.deepEqual(outcome(round, [], "decided", block(3)), {
    events: [],
    reply: {},
  }));

Deno.test("round.included with a failure gives the entry up and tells its sender", () => {
  const accepted = outcome(round, [submitted(1)], "included", {
    entryId: hash(1),
    failure: "it has expired",
  });
  assert.ok(!("refused" in accepted));
  assert.equal(
    stateAfter(round, [submitted(1), ...accepted.events]).pending.length,
    0,
  );
  assert.deepEqual(accepted.then, [{
    tell: notify,
    command: "anchorRefused",
    input: { entryId: hash(1), because: "it has expired" },
  }]);
});

Deno.test("round.grow gathers sessions, the latest size of each, into one signature", () => {
  const one = "01JD0000000000000000000001";
  const grew = (sessionId: string, leafCount: number): Event => ({
    type: "grew",
    data: { sessionId, leafCount },
  });
  const first = outcome(round, [], "grow", { sessionId: one, leafCount: 1 });
  assert.ok(!("refused" in first));
  assert.deepEqual(first.then, [{
    remind: "anchorGrowth",
    atMs: now + 5_000,
    input: {},
  }]);
  const given = [grew(one, 1), grew("01JD0000000000000000000002", 4)];
  const again = outcome(round, given, "grow", { sessionId: one, leafCount: 9 });
  assert.ok(!("refused" in again));
  assert.equal(again.then, undefined);
  const taken = outcome(round, [...given, grew(one, 9)], "anchorGrowth", {});
  assert.ok(!("refused" in taken));
  assert.deepEqual(taken.then?.[0], {
    perform: "signGrowth",
    key: CONTEXT.newId(),
    input: {
      sessions: [
        { sessionId: "01JD0000000000000000000002", leafCount: 4 },
        { sessionId: one, leafCount: 9 },
      ],
    },
    answer: "interimSigned",
  });
});
