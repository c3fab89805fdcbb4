/**
 * A clock that a test moves by hand: wall and monotonic time apart, timers in order.
 *
 * @module
 */
import type { Clock } from "@lucid/runtime";

/** Turns of the event loop in which promises settle between two timers. */
const SETTLING_TURNS = 50;

/** A clock and its hands. */
export interface Clockwork extends Clock {
  /** Let time pass; timers fall due on the way, and what they set off is waited for. */
  pass(ms: number): Promise<void>;
  /** Set the wall clock, as a person or NTP would. */
  setWall(ms: number): void;
}

/** A clock that stands still until it is moved. */
export function clockwork(wallMs = 1_000_000): Clockwork {
  let offsetMs = wallMs;
  let elapsedMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  return {
    now: () => offsetMs + elapsedMs,
    elapsedMs: () => elapsedMs,
    after(ms, run) {
      const timer = { atMs: elapsedMs + Math.max(0, ms), run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(ms) {
      const untilMs = elapsedMs + ms;
      await settle();
      while (true) {
        const next = [...timers].sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > untilMs) break;
        timers.delete(next);
        elapsedMs = next.atMs;
        next.run();
        await settle();
      }
      elapsedMs = untilMs;
      await settle();
    },
    setWall(ms) {
      offsetMs = ms - elapsedMs;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) await Promise.resolve();
}
