/**
 * Doubles of the outside world for tests: time advanced by one hand, chance by seed, and a store
 * that loses answers and writes late. What runs over them is the shipped runtime.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { LucidError } from "./errors.ts";
import { type Log, openLog } from "./log.ts";
import type { Clock, Random } from "./ports.ts";
import type { Store } from "./store.ts";

/** A clock that stands still until it is told otherwise. */
export interface ManualClock extends Clock {
  /** Live through `ms`, timer by timer; all that follows from each has happened before the next. */
  advance(ms: number): Promise<void>;
  /** Set the wall clock, and only that. */
  setNow(ms: number): void;
}

/** Wall time at which a {@linkcode manualClock} begins: 2026-01-01. */
export const TEST_EPOCH_MS: number = Date.UTC(2026, 0, 1);

/** Make a clock for one test. */
export function manualClock(): ManualClock {
  let elapsedMs = 0;
  let offsetMs = TEST_EPOCH_MS;
  let count = 0;
  const timers = new Map<number, { atMs: number; run: () => void }>();
  const first = (untilMs: number) => {
    let next: [number, { atMs: number; run: () => void }] | undefined;
    for (const timer of timers) {
      if (timer[1].atMs > untilMs) continue;
      if (next === undefined || timer[1].atMs < next[1].atMs) next = timer;
    }
    return next;
  };
  return {
    now: () => offsetMs + elapsedMs,
    elapsedMs: () => elapsedMs,
    after(ms, run) {
      const id = ++count;
      timers.set(id, { atMs: elapsedMs + Math.max(0, ms), run });
      return () => void timers.delete(id);
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await settled();
      for (
        let next = first(untilMs);
        next !== undefined;
        next = first(untilMs)
      ) {
        const [id, { atMs, run }] = next;
        timers.delete(id);
        elapsedMs = Math.max(elapsedMs, atMs);
        run();
        await settled();
      }
      elapsedMs = untilMs;
    },
    setNow(ms) {
      offsetMs = ms - elapsedMs;
    },
  };
}

/** Resolves when everything that could happen without time passing has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Chance that repeats itself. */
export interface SeededRandom extends Random {
  /** True so often, from 0 to 1. */
  chance(probability: number): boolean;
  /** An integer from 0 to `limit` − 1. */
  below(limit: number): number;
}

/**
 * Chance from a seed: the same seed gives the same run.
 *
 * Source: mulberry32, by Tommy Ettinger (public domain).
 */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(unit() * limit);
  return {
    bytes: (count) => Uint8Array.from({ length: count }, () => below(256)),
    chance: (probability) => unit() < probability,
    below,
  };
}

/** A log that keeps nothing. */
export const silentLog: Log = openLog({
  clock: { now: () => 0, elapsedMs: () => 0, after: () => () => {} },
  write: () => {},
});

/** How often, from 0 to 1, a call to a {@linkcode faultyStore} goes wrong in each way. */
export interface Faults {
  /** Nothing happens, and the caller gets no answer. */
  readonly lost: number;
  /** It happens, and the caller gets no answer. */
  readonly unanswered: number;
  /** It happens up to {@linkcode Faults.lateMs} after the caller got no answer. */
  readonly late: number;
  /** It takes a while, so that calls overtake each other. */
  readonly slow: number;
  /** How late a late write is at most. */
  readonly lateMs: number;
}

/**
 * A store that answers as a store does across a bad network.
 *
 * @param store What it reads and writes in the end.
 * @param world Time, chance, how often what goes wrong, and whether the caller still lives: a dead one's calls
 * that are under way may land, but it hears of nothing.
 */
export function faultyStore(
  store: Store,
  world: {
    readonly clock: Clock;
    readonly random: SeededRandom;
    readonly faults: Faults;
    readonly alive: () => boolean;
  },
): Store {
  const { clock, random, faults, alive } = world;
  const never = new Promise<never>(() => {});
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => void clock.after(ms, resolve));
  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    if (!alive()) return never;
    if (random.chance(faults.lost)) throw noAnswer();
    if (random.chance(faults.late)) {
      void pause(random.below(faults.lateMs)).then(call);
      throw noAnswer();
    }
    if (random.chance(faults.slow)) await pause(random.below(100));
    const answer = await call();
    if (!alive()) return never;
    if (random.chance(faults.unanswered)) throw noAnswer();
    return answer;
  }
  return {
    load: (key, fence) => attempt(() => store.load(key, fence)),
    commit: (write) => attempt(() => store.commit(write)),
    insertRows: (rows) => attempt(() => store.insertRows(rows)),
    get: (key) => attempt(() => store.get(key)),
    list: (collection, listing) =>
      attempt(() => store.list(collection, listing)),
    query: (collection, query) => attempt(() => store.query(collection, query)),
    due: (query) => attempt(() => store.due(query)),
    declare: (indexes) => store.declare(indexes),
    close: () => store.close(),
  };
}

function noAnswer(): LucidError {
  return new LucidError(
    "store/unavailable",
    "unavailable",
    "Cannot reach the store: no answer came",
  );
}
