import assert from "node:assert/strict";
import type { EventOf } from "@lucid/runtime";
import { node } from "../../actors/node/node.ts";
import type { Rdp } from "../../actors/rdp/protocol.ts";
import { rdp } from "../../actors/rdp/rdp.ts";
import type { Recorder } from "../../actors/recorder/protocol.ts";
import { recorder } from "../../actors/recorder/recorder.ts";
import { CONTEXT, outcome } from "../support/story.ts";

const { id, now } = CONTEXT;
const because = "Xvnc was ended by SIGKILL";
const tellSession = (command: string, input: unknown = {}) => ({
  tell: `session/${id}`,
  command,
  input,
});

const opening: EventOf<typeof Rdp> = {
  type: "opening",
  data: { node: "NODE", width: 800, height: 600 },
};
const ready: EventOf<typeof Rdp> = { type: "ready", data: {} };
const lost = (at: number): EventOf<typeof Rdp> => ({
  type: "lost",
  data: { at, because, crashed: true },
});
const desktop = {
  perform: "desktop",
  key: id,
  input: { width: 800, height: 600 },
  answer: "opened",
};

Deno.test("rdp.open asks its node for a desktop", () =>
  assert.deepEqual(outcome(rdp, [], "open", { width: 800, height: 600 }), {
    events: [opening],
    reply: {},
    then: [desktop],
  }));

Deno.test("rdp.lost starts the desktop again, three times a minute at the most", () => {
  const crash = { because, crashed: true };
  assert.deepEqual(outcome(rdp, [opening, ready], "lost", crash), {
    events: [lost(now)],
    reply: {},
    then: [desktop],
  });
  const thrice = [opening, lost(now - 30), lost(now - 20), lost(now - 10)];
  assert.deepEqual(outcome(rdp, thrice, "lost", crash), {
    events: [{ type: "failed", data: { because } }],
    reply: {},
    then: [tellSession("desktopFailed", { because })],
  });
  const longAgo = [opening, lost(now - 90_000), lost(now - 80_000), lost(now)];
  const restart = outcome(rdp, thrice, "lost", { because, crashed: false });
  assert.ok(!("refused" in restart));
  assert.deepEqual(
    restart.then,
    [desktop],
    "a restart of Lucid does not count",
  );
  const again = outcome(rdp, longAgo, "lost", crash);
  assert.ok(!("refused" in again));
  assert.deepEqual(again.then, [desktop]);
});

Deno.test("rdp.lost after close is no news", () =>
  assert.deepEqual(
    outcome(rdp, [opening, ready, { type: "closing", data: {} }], "lost", {
      because,
      crashed: true,
    }),
    { events: [], reply: {} },
  ));

const capture = {
  source: { kind: "desktop", width: 800, height: 600 },
  mode: "strict",
  chunkMs: 2_000,
  startedAt: now,
} as const;
const recording: EventOf<typeof Recorder> = {
  type: "recording",
  data: { node: "NODE", capture },
};

Deno.test("recorder.record captures, and captures again when its process died", () => {
  const performed = {
    perform: "capture",
    key: id,
    input: capture,
    answer: "capturing",
  };
  const first = outcome(recorder, [], "record", capture);
  assert.ok(!("refused" in first));
  assert.deepEqual(first.then, [performed]);
  const again = outcome(recorder, [recording], "lost", { because });
  assert.ok(!("refused" in again));
  assert.deepEqual(again.then, [performed]);
});

Deno.test("recorder.ended counts once, whoever says it first", () => {
  const input = { endedAt: now, failure: "no screen" };
  const first = outcome(recorder, [recording], "ended", input);
  assert.ok(!("refused" in first));
  assert.deepEqual(first.then, [tellSession("recordingEnded", input)]);
  assert.deepEqual(
    outcome(recorder, [recording, ...first.events], "ended", input),
    { events: [], reply: {} },
  );
});

Deno.test("recorder.finish says until when recording was wanted", () => {
  const accepted = outcome(recorder, [recording], "finish", { stoppedAt: 7 });
  assert.ok(!("refused" in accepted));
  assert.deepEqual(accepted.then, [{
    perform: "finish",
    key: id,
    input: { ...capture, stoppedAt: 7 },
    answer: "ended",
  }]);
});

Deno.test("recorder refuses what nobody began", () => {
  const commands = ["finish", "check", "erase", "lost", "get"] as const;
  for (const command of commands) {
    const refusal = outcome(recorder, [], command, {} as never);
    assert.equal((refusal as { refused: string }).refused, "recorder/unknown");
  }
});

Deno.test("node.admit refuses below the floor of free disk", () => {
  const began = {
    type: "began",
    data: { publicKey: "ab".repeat(32), boot: 1, version: "0.1.0", at: now },
  } as const;
  const disk = (freeBytes: number) =>
    ({ type: "observed", data: { freeBytes, floorBytes: 100 } }) as const;
  assert.deepEqual(outcome(node, [began, disk(100)], "admit", {}), {
    events: [],
    reply: {},
  });
  const refusal = outcome(node, [began, disk(99)], "admit", {});
  assert.equal((refusal as { refused: string }).refused, "node/disk-low");
});
