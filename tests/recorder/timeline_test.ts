import assert from "node:assert/strict";
import fc from "fast-check";
import { Timeline } from "../../recorder/timeline.ts";
import { clockwork } from "./clockwork.ts";

Deno.test("timeline: a clock set back does not turn time back; it goes on until the clock has caught up", async () => {
  const clock = clockwork(10_000);
  const timeline = new Timeline(clock);
  await clock.pass(500);
  clock.setWall(4_000);
  assert.deepEqual(timeline.seam(), { endMs: 10_500, startMs: 10_500 });
  await clock.pass(1_000);
  assert.deepEqual(timeline.seam(), { endMs: 11_500, startMs: 11_500 });
});

Deno.test("timeline: drift is taken up at a seam, a clock set forward leaves a hole to be named", async () => {
  const clock = clockwork(10_000);
  const timeline = new Timeline(clock);
  clock.setWall(10_300);
  assert.deepEqual(timeline.seam(), { endMs: 10_300, startMs: 10_300 });
  await clock.pass(100);
  clock.setWall(3_610_400);
  assert.deepEqual(timeline.seam(), { endMs: 10_400, startMs: 3_610_400 });
});

Deno.test("timeline: whatever is done to the clock, seams never overlap or run backwards", async () => {
  const step = fc.record({ passMs: fc.nat(5_000), setMs: fc.option(fc.nat(10_000_000)) });
  await fc.assert(fc.asyncProperty(fc.nat(2_000_000), fc.array(step, { maxLength: 30 }), async (notBeforeMs, steps) => {
    const clock = clockwork();
    const timeline = new Timeline(clock, notBeforeMs);
    let lastMs = Math.max(notBeforeMs, clock.now());
    for (const { passMs, setMs } of steps) {
      await clock.pass(passMs);
      if (setMs !== null) clock.setWall(setMs);
      const { endMs, startMs } = timeline.seam();
      assert.ok(lastMs <= endMs && endMs <= startMs);
      lastMs = startMs;
    }
  }), { numRuns: 100 });
});
