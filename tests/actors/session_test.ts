import assert from "node:assert/strict";
import { parse } from "@lucid/runtime";
import type { EventOf } from "@lucid/runtime";
import { type Session, SessionState } from "../../actors/session/protocol.ts";
import { session } from "../../actors/session/session.ts";
import { encodeLeaf } from "../../chain/leaf.ts";
import { merkleRoot } from "../../chain/merkle.ts";
import { CONTEXT, outcome, stateAfter } from "../support/story.ts";

type Event = EventOf<typeof Session>;
const { id, now } = CONTEXT;
const source = { kind: "desktop", width: 800, height: 600 } as const;
const input = {
  user: "owner",
  node: "NODE",
  name: "n",
  description: "",
  source,
  mode: "strict",
  chunkMs: 2_000,
  maxDurationMs: 60_000,
} as const;
const HASH = "ab".repeat(32);

const created: Event = { type: "created", data: { ...input, at: now } };
const ready: Event = { type: "desktopChanged", data: { desktop: "ready" } };
const started: Event = { type: "started", data: { at: now } };
const stopped: Event = { type: "stopped", data: { at: now + 10 } };
const ended: Event = { type: "recordingEnded", data: { endedAt: now + 20 } };
const sealed: Event = {
  type: "sealed",
  data: { manifestHash: HASH, entryId: HASH },
};
const anchor = {
  entry_id: HASH,
  entry_index: 1,
  height: 1,
  block_id: HASH,
  block_time: now + 30,
};
const anchored: Event = { type: "anchored", data: anchor };
const completed: Event = { type: "completed", data: { at: now + 40 } };
const deleted: Event = { type: "deleted", data: { at: now, cancelled: false } };

/** A chunk that covers 2 s from `start` on. */
function chunk(index: number, start = now + 2_000 * index): string {
  return encodeLeaf({
    kind: "chunk",
    index,
    startMs: start,
    endMs: start + 2_000,
    codec: 0,
    plainBytes: 100,
    sealedBytes: 116,
    sealedHash: new Uint8Array(32).fill(1),
    segmentRoot: new Uint8Array(32).fill(2),
    salt: new Uint8Array(32).fill(3),
    keyCommit: new Uint8Array(32).fill(4),
  }).toHex();
}
const added = (index: number): Event => ({
  type: "leafAdded",
  data: { index, leaf: chunk(index) },
});
const tell = (to: string, command: string, input: unknown = {}) => ({
  tell: `${to}/NODE/${id}`,
  command,
  input,
});

Deno.test("session.create opens its desktop and sets a limit", () =>
  assert.deepEqual(outcome(session, [], "create", input), {
    events: [created],
    reply: { status: "created" },
    then: [
      { remind: "reachLimit", atMs: now + 8 * 3_600_000, input: {} },
      tell("rdp", "open", { width: 800, height: 600 }),
    ],
  }));

Deno.test("session.start waits for the desktop, and begins when it is ready", () => {
  assert.deepEqual(outcome(session, [created], "start", {}), {
    events: [{ type: "startRequested", data: {} }],
    reply: { status: "created" },
  });
  const requested: Event = { type: "startRequested", data: {} };
  const began = outcome(session, [created, requested], "desktopReady", {});
  assert.ok(!("refused" in began));
  assert.deepEqual(began.events, [ready, started]);
  assert.deepEqual(
    began.then?.[0],
    tell("recorder", "record", {
      source,
      mode: "strict",
      chunkMs: 2_000,
      startedAt: now,
    }),
  );
});

Deno.test("session.addLeaf keeps a count, a frontier and a row", () => {
  const given = [created, ready, started, added(0)];
  const accepted = outcome(session, given, "addLeaf", {
    index: 1,
    leaf: chunk(1),
  });
  assert.ok(!("refused" in accepted));
  assert.equal(accepted.rows?.[0]?.key, `${id}/0000001`);
  assert.equal(accepted.rows?.[0]?.value["size_bytes"], 116);
  const state = stateAfter(session, [...given, added(1), added(2)]);
  assert.equal(state.chunk_count, 3);
  assert.equal(state.size_bytes, 348);
  assert.equal(state.frontier.length, 2);
});

Deno.test("session.recordingEnded has the root of all leaves sealed, and closes the desktop", () => {
  const given = [created, ready, started, added(0), added(1), stopped];
  const accepted = outcome(session, given, "recordingEnded", {
    endedAt: now + 9_000,
  });
  const root = merkleRoot([0, 1].map((i) => Uint8Array.fromHex(chunk(i))))
    .toHex();
  assert.ok(!("refused" in accepted));
  assert.deepEqual(accepted.then, [
    tell("recorder", "seal", {
      owner: "owner",
      name: "n",
      root,
      leafCount: 2,
      gapCount: 0,
      ctBytes: 232,
      startedAt: now,
      endedAt: now + 9_000,
    }),
    tell("rdp", "close"),
  ]);
});

Deno.test("session.anchorRefused is tried again three times, then it is a failure", () => {
  const refused: Event = { type: "anchorRefused", data: { because: "x" } };
  const once = outcome(
    session,
    [created, started, stopped, ended, sealed],
    "anchorRefused",
    { entryId: HASH, because: "x" },
  );
  assert.ok(!("refused" in once));
  assert.deepEqual(once.then, [
    { remind: "sealAgain", atMs: now + 30_000, input: {} },
  ]);
  const given: Event[] = [created, started, stopped, ended];
  for (let count = 0; count < 3; count++) given.push(sealed, refused);
  const last = outcome(session, [...given, sealed], "anchorRefused", {
    entryId: HASH,
    because: "x",
  });
  assert.ok(!("refused" in last));
  assert.deepEqual(last.events[1], { type: "failed", data: { because: "x" } });
});

Deno.test("session walks through its six states", () => {
  const walk: [Event, string][] = [
    [created, "created"],
    [started, "recording"],
    [stopped, "processing"],
    [ended, "processing"],
    [sealed, "stored"],
    [anchored, "anchored"],
    [completed, "completed"],
  ];
  const given: Event[] = [];
  for (const [event, status] of walk) {
    given.push(event);
    const state = stateAfter(session, given);
    assert.equal(state.status, status);
    parse(SessionState, state, "a stored session");
  }
});

Deno.test("session.recordingEnded ends no earlier than its last leaf", () => {
  const given = [created, started, added(0), stopped];
  const accepted = outcome(session, given, "recordingEnded", { endedAt: now });
  assert.ok(!("refused" in accepted));
  assert.deepEqual(accepted.events, [
    { type: "recordingEnded", data: { endedAt: now + 2_000 } },
  ]);
});

Deno.test("session.desktopFailed ends a strict recording, and a lenient one goes on", () => {
  const because = "no X";
  const strict = outcome(session, [created, started], "desktopFailed", {
    because,
  });
  assert.ok(!("refused" in strict));
  assert.deepEqual(strict.then, [
    tell("recorder", "finish", { stoppedAt: now }),
  ]);
  const state = stateAfter(session, [created, started, ...strict.events]);
  assert.equal(state.status, "processing");
  assert.equal(state.failure, because);
  const lenient: Event = {
    type: "created",
    data: { ...input, mode: "lenient", at: now },
  };
  const on = outcome(session, [lenient, started], "desktopFailed", { because });
  assert.ok(!("refused" in on));
  assert.deepEqual(on.then, []);
});

Deno.test("session.delete lets go of what failed half way", () => {
  const failed: Event = { type: "failed", data: { because: "x" } };
  const given = [created, started, stopped, ended, failed];
  const accepted = outcome(session, given, "delete", {});
  assert.ok(!("refused" in accepted));
  assert.deepEqual(accepted.then, [tell("recorder", "erase")]);
});

Deno.test("session.create refuses an id that no document can have", () => {
  const refusal = session.decide.create(
    session.initial("abx"),
    input,
    { ...CONTEXT, id: "abx" },
  );
  assert.equal((refusal as { refused: string }).refused, "session/invalid-id");
});

Deno.test("session.reachLimit cancels what nobody started and stops what records", () => {
  const cancelled = outcome(session, [created, ready], "reachLimit", {});
  assert.ok(!("refused" in cancelled));
  assert.deepEqual(cancelled.events, [
    { type: "deleted", data: { at: now, cancelled: true } },
  ]);
  const stoppedNow = outcome(session, [created, started], "reachLimit", {});
  assert.ok(!("refused" in stoppedNow));
  assert.equal(stoppedNow.events[0]?.type, "stopped");
});

const recording = [created, ready, started];
Deno.test.each(
  [
    ["create", [created], "create", input, "session/exists"],
    ["get", [], "get", {}, "session/unknown"],
    ["start on nothing", [], "start", {}, "session/unknown"],
    ["start twice", recording, "start", {}, "session/already-started"],
    [
      "start without a desktop",
      [created, {
        type: "desktopChanged",
        data: { desktop: "failed", because: "no X" },
      }],
      "start",
      {},
      "session/no-desktop",
    ],
    ["start when deleted", [created, deleted], "start", {}, "session/deleted"],
    [
      "stop before start",
      [created, ready],
      "stop",
      {},
      "session/not-recording",
    ],
    [
      "stop twice",
      [...recording, stopped],
      "stop",
      {},
      "session/not-recording",
    ],
    ["delete while recording", recording, "delete", {}, "session/in-progress"],
    ["disclose what is not there", recording, "disclose", {
      index: 0,
      user: "owner",
    }, "session/no-chunk"],
    ["addLeaf before start", [created], "addLeaf", {
      index: 0,
      leaf: chunk(0),
    }, "session/not-recording"],
    ["addLeaf with a gap", recording, "addLeaf", {
      index: 1,
      leaf: chunk(1),
    }, "session/leaf-order"],
    ["addLeaf of another index", recording, "addLeaf", {
      index: 0,
      leaf: chunk(1),
    }, "session/leaf-invalid"],
    ["addLeaf that overlaps", [...recording, added(0)], "addLeaf", {
      index: 1,
      leaf: chunk(1, now + 1_999),
    }, "session/leaf-invalid"],
    ["addLeaf of other bytes", recording, "addLeaf", {
      index: 0,
      leaf: "00",
    }, "session/leaf-invalid"],
    ["addLeaf when it has ended", [...recording, stopped, ended], "addLeaf", {
      index: 0,
      leaf: chunk(0),
    }, "session/not-recording"],
    [
      "delete while it is sealed",
      [...recording, stopped, ended],
      "delete",
      {},
      "session/in-progress",
    ],
    ["anchored too early", [...recording, stopped, ended], "anchored", {
      entryId: HASH,
      entryIndex: 1,
      height: 1,
      blockId: HASH,
      blockTime: now,
    }, "session/not-stored"],
    ["checked too early", recording, "checked", {}, "session/not-anchored"],
  ] as const,
)("session refuses to %s", (_name, given, command, given_, code) => {
  const refusal = outcome(
    session,
    given as readonly Event[],
    command,
    given_ as never,
  );
  assert.ok("refused" in refusal);
  assert.equal(refusal.refused, code);
  assert.match(refusal.because, /^Cannot .+: .+/);
});
