/**
 * Everything a host wants to do later, on one timer: a binary heap by time. Deadlines are set and
 * called off far more often than they ring, so calling off only marks the entry.
 *
 * @module
 */
import type { Clock } from "./ports.ts";

/** Something that will happen, unless it is called off. */
export interface Alarm {
  /** Call it off; late is harmless. */
  cancel(): void;
}

/** Called-off entries that may lie in the heap before it is swept. */
const DEAD_MAX = 1024;

class Entry implements Alarm {
  readonly atMs: number;
  readonly #agenda: Agenda;
  run: (() => void) | undefined;

  constructor(agenda: Agenda, atMs: number, run: () => void) {
    this.#agenda = agenda;
    this.atMs = atMs;
    this.run = run;
  }

  cancel(): void {
    if (this.run === undefined) return;
    this.run = undefined;
    this.#agenda.buried();
  }
}

/** Alarms over one clock. */
export class Agenda {
  readonly #clock: Clock;
  #heap: Entry[] = [];
  #dead = 0;
  #timer: (() => void) | undefined;
  #timerAtMs = Infinity;
  #closed = false;

  /** An empty agenda over `clock`. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Now, on the monotonic clock. */
  nowMs(): number {
    return this.#clock.elapsedMs();
  }

  /** Call `run` once, `ms` from now. */
  after(ms: number, run: () => void): Alarm {
    const entry = new Entry(this, this.#clock.elapsedMs() + ms, run);
    if (this.#closed) return entry;
    this.#push(entry);
    if (entry.atMs < this.#timerAtMs) this.#wind();
    return entry;
  }

  /** Call everything off, for good. */
  close(): void {
    this.#closed = true;
    this.#heap = [];
    this.#timer?.();
    this.#timer = undefined;
  }

  /** An entry was called off. */
  buried(): void {
    if (++this.#dead <= DEAD_MAX || this.#dead * 2 < this.#heap.length) return;
    const live = this.#heap.filter((entry) => entry.run !== undefined);
    // A sorted array is a heap.
    this.#heap = live.sort((a, b) => a.atMs - b.atMs);
    this.#dead = 0;
  }

  #wind(): void {
    this.#timer?.();
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    const first = this.#heap[0];
    if (first === undefined || this.#closed) return;
    this.#timerAtMs = first.atMs;
    const ms = Math.max(0, first.atMs - this.#clock.elapsedMs());
    this.#timer = this.#clock.after(ms, () => this.#ring());
  }

  #ring(): void {
    this.#timer = undefined;
    this.#timerAtMs = -Infinity;
    const nowMs = this.#clock.elapsedMs();
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= nowMs) {
      const entry = this.#pop();
      const { run } = entry;
      entry.run = undefined;
      if (run === undefined) this.#dead--;
      else run();
    }
    this.#wind();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.atMs <= entry.atMs) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): Entry {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (
        child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs
      ) {
        child++;
      }
      if (heap[child]!.atMs >= last.atMs) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}

/** First and last wait between attempts: long enough to be cheap, short enough to be unnoticed. */
const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 5_000;

/** How long to wait after so many failed attempts (1, 2, …). */
export function retryAfterMs(attempts: number): number {
  return Math.min(RETRY_FIRST_MS * 2 ** (attempts - 1), RETRY_LAST_MS);
}
