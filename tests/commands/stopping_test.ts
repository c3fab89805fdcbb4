import assert from "node:assert/strict";
import { openLog } from "@lucid/runtime";
import { manualClock } from "@lucid/runtime/testing";
import { Parts } from "../../commands/stopping.ts";

/** Parts under a clock, with what stopped and what was logged. */
function stage() {
  const clock = manualClock();
  const stopped: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line));
  const parts = new Parts({ clock, log: openLog({ clock, write }) });
  const add = (name: string): void =>
    parts.add(name, () => void stopped.push(name));
  return { clock, stopped, lines, parts, add };
}

Deno.test("parts stop in the reverse order, and one that throws does not keep the rest", async () => {
  const { stopped, lines, parts, add } = stage();
  add("store");
  parts.add("machine", () => Promise.reject(new Error("it is stuck")));
  parts.add("bus", () => {
    throw new Error("it is gone");
  });
  add("gateway");
  await parts.stop();
  assert.deepEqual(stopped, ["gateway", "store"]);
  assert.deepEqual(
    lines.map(({ msg, name, because }) => [msg, name, because]),
    [
      ["part not stopped", "bus", "Error: it is gone"],
      ["part not stopped", "machine", "Error: it is stuck"],
    ],
  );
});

Deno.test("parts that take too long are named in the log and left", async () => {
  const { clock, stopped, lines, parts, add } = stage();
  add("store");
  parts.add("machine", () => new Promise(() => {}));
  add("gateway");
  let isOver = false;
  const stop = parts.stop().then(() => {
    isOver = true;
  });
  await clock.advance(2_499);
  assert.equal(isOver, false);
  await clock.advance(1);
  await stop;
  assert.deepEqual(stopped, ["gateway"]);
  assert.deepEqual(lines.map(({ msg, unfinished }) => [msg, unfinished]), [
    ["stop not finished", ["store", "machine"]],
  ]);
});

Deno.test("parts cannot be added to a system that is being stopped", async () => {
  const { parts, add } = stage();
  await parts.stop();
  assert.throws(() => add("gateway"), {
    code: "up/stopping",
    message: "Cannot start gateway: Lucid is being stopped",
  });
});
