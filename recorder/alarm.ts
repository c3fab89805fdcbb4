/**
 * One sleeper that can be woken early.
 *
 * @module
 */
import type { Clock } from "@lucid/runtime";

/** Sleeps for one task; anybody may ring. */
export class Alarm {
  readonly #clock: Clock;
  #wake: (() => void) | undefined;

  /** Sleep by this clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Until `ms` have passed or somebody has rung. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
      const cancel = this.#clock.after(ms, wake);
      this.#wake = wake;
    });
  }

  /** Wake the sleeper, if it sleeps. */
  ring(): void {
    this.#wake?.();
  }
}
