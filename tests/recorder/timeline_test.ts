import assert from "node:assert/strict";
import { type ManualClock, manualClock } from "@lucid/runtime/testing";
import fc from "fast-check";
import { Timeline } from "../../recorder/timeline.ts";

function clockAt(ms: number): ManualClock {
  const clock = manualClock();
  clock.setNow(ms);
  return clock;
}

Deno.test("timeline: a clock set back does not turn time back; it goes on until the clock has caught up", async () => {
  const clock = clockAt(10_000);
  const timeline = new Timeline(clock);
  await clock.advance(500);
  clock.setNow(4_000);
  assert.deepEqual(timeline.seam(), { endMs: 10_500, startMs: 10_500 });
  await clock.advance(1_000);
  assert.deepEqual(timeline.seam(), { endMs: 11_500, startMs: 11_500 });
});

Deno.test("timeline: drift is taken up at a seam, a clock set forward leaves a hole to be named", async () => {
  const clock = clockAt(10_000);
  const timeline = new Timeline(clock);
  clock.setNow(10_300);
  assert.deepEqual(timeline.seam(), { endMs: 10_300, startMs: 10_300 });
  await clock.advance(100);
  clock.setNow(3_610_400);
  assert.deepEqual(timeline.seam(), { endMs: 10_400, startMs: 3_610_400 });
});

Deno.test("timeline: whatever is done to the clock, seams never overlap or run backwards", async () => {
  const step = fc.record({
    passMs: fc.nat(5_000),
    setMs: fc.option(fc.nat(10_000_000)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2_000_000),
      fc.array(step, { maxLength: 30 }),
      async (notBeforeMs, steps) => {
        const clock = clockAt(1_000_000);
        const timeline = new Timeline(clock, notBeforeMs);
        let lastMs = Math.max(notBeforeMs, clock.now());
        for (const { passMs, setMs } of steps) {
          await clock.advance(passMs);
          if (setMs !== null) clock.setNow(setMs);
          const { endMs, startMs } = timeline.seam();
          assert.ok(lastMs <= endMs && endMs <= startMs);
          lastMs = startMs;
        }
      },
    ),
    { numRuns: 100 },
  );
});
