/**
 * The times of one recording. They follow the wall clock, but never run backwards when it is set
 * back, and do not hide it when it is set forward.
 *
 * @module
 */
import type { Clock } from "@lucid/runtime";

/** A wall clock that leads by less has drifted or was slewed; by more, somebody has set it. */
const DRIFT_MS = 1_000;

/** Where one piece of a recording ends and the next begins; equal but for a clock that was set forward. */
export interface Seam {
  /** Milliseconds since the Unix epoch. */
  readonly endMs: number;
  /** Not before `endMs`. */
  readonly startMs: number;
}

/** Tells a recording's times. */
export class Timeline {
  readonly #clock: Clock;
  #wallMs: number;
  #elapsedMs: number;

  /** Begin at the wall clock's time, or at `notBeforeMs` if that is later. */
  constructor(clock: Clock, notBeforeMs = 0) {
    this.#clock = clock;
    this.#wallMs = Math.max(notBeforeMs, Math.floor(clock.now()));
    this.#elapsedMs = clock.elapsedMs();
  }

  /** The time at a reading of the monotonic clock. */
  at(elapsedMs: number): number {
    return this.#wallMs + Math.max(0, Math.floor(elapsedMs - this.#elapsedMs));
  }

  /** Now, taking up the wall clock again if it leads; while it lags, time goes on by the monotonic clock. */
  seam(): Seam {
    const elapsedMs = this.#clock.elapsedMs();
    const measuredMs = this.at(elapsedMs);
    const wallMs = Math.floor(this.#clock.now());
    if (wallMs <= measuredMs) return { endMs: measuredMs, startMs: measuredMs };
    this.#wallMs = wallMs;
    this.#elapsedMs = elapsedMs;
    return {
      endMs: wallMs - measuredMs <= DRIFT_MS ? wallMs : measuredMs,
      startMs: wallMs,
    };
  }
}
