/**
 * How a system that runs comes to its end: somebody signals, then its parts stop in the reverse order of their start,
 * each of them, within a bound.
 *
 * @module
 */
import { type Clock, type Log, LucidError } from "@lucid/runtime";

/** A person waits 3 s for the whole. What is not finished by then is cut off, which is what a crash would do to it. */
const STOP_WITHIN_MS = 2_500;

/** Under npx one Ctrl-C arrives twice at once, from the terminal and passed on; nobody presses it again so soon. */
const SAME_SIGNAL_MS = 500;

/** What has been started so far. */
export class Parts {
  readonly #running = new Map<string, () => unknown>();
  readonly #clock: Clock;
  readonly #log: Log;
  #stopping = false;

  /** Nothing has been started yet. */
  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * A part has started, and this is how it stops.
   *
   * @throws {LucidError} `up/stopping` when the others stop already: whoever starts them must not go on.
   */
  add(name: string, stop: () => unknown): void {
    if (this.#stopping) {
      throw new LucidError(
        "up/stopping",
        "conflict",
        `Cannot start ${name}: Lucid is being stopped`,
      );
    }
    this.#running.set(name, stop);
  }

  /** Stop all parts, the newest first. Resolves when that is done, at the latest after {@linkcode STOP_WITHIN_MS}. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const late = Promise.withResolvers<void>();
    const callOff = this.#clock.after(STOP_WITHIN_MS, late.resolve);
    await Promise.race([this.#stopEach(), late.promise]);
    callOff();
    if (this.#running.size === 0) return;
    const unfinished = [...this.#running.keys()];
    this.#log.warn("stop not finished", { unfinished });
  }

  async #stopEach(): Promise<void> {
    for (const [name, stop] of [...this.#running].reverse()) {
      try {
        await stop();
      } catch (error) {
        // The others must stop all the same.
        this.#log.error("part not stopped", { name, because: String(error) });
      }
      this.#running.delete(name);
    }
  }
}

/** Resolves at the first SIGINT or SIGTERM; one that comes {@linkcode SAME_SIGNAL_MS} later ends the process at once. */
export function untilSignalled(clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals = ["SIGINT", "SIGTERM"] as const;
  const handle = (): void => {
    resolve();
    clock.after(SAME_SIGNAL_MS, () => {
      // Without a listener a signal does what it always does.
      for (const name of signals) Deno.removeSignalListener(name, handle);
    });
  };
  for (const name of signals) Deno.addSignalListener(name, handle);
  return promise;
}
