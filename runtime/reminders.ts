/**
 * Sends an actor what it asked to be reminded of. The document is the truth; only the next
 * reminder that is near has an alarm, and whatever is far is found by the host's look at what is due.
 *
 * @module
 */
import { type Alarm, retryAfterMs } from "./agenda.ts";
import type { Cell } from "./cell.ts";
import { Message } from "./message.ts";
import type { World } from "./world.ts";

/** Nearer than this gets an alarm: more than the 15 s that the host looks ahead. */
const HORIZON_MS = 20_000;

interface Reminder {
  readonly command: string;
  readonly input: unknown;
  readonly atMs: number;
}

/** The reminders of one actor. */
export class Reminders {
  readonly #cell: Cell;
  readonly #world: World;
  #alarm: Alarm | undefined;
  #sending = false;

  /** Reminders for `cell`. */
  constructor(cell: Cell, world: World) {
    this.#cell = cell;
    this.#world = world;
  }

  /** One of them is so near that the actor should stay in memory. */
  get near(): boolean {
    return this.#sending || this.#alarm !== undefined;
  }

  /** Set the alarm by what the document now says. */
  arm(): void {
    if (this.#sending) return;
    this.cancel();
    const [first] = Object.entries(this.#cell.reminders)
      .sort(([, a], [, b]) => a.at - b.at);
    if (first === undefined) return;
    const [command, { at: atMs, input }] = first;
    const waitMs = Math.max(0, atMs - this.#world.clock.now());
    if (waitMs > HORIZON_MS) return;
    this.#alarm = this.#world.agenda.after(waitMs, () => {
      // The wall clock may have been set back meanwhile.
      if (this.#world.clock.now() < atMs) this.arm();
      else this.#send({ command, input, atMs }, 1);
    });
  }

  /** Call the alarm off. */
  cancel(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #send(reminder: Reminder, attempt: number): void {
    const { command, input, atMs } = reminder;
    this.#alarm = undefined;
    this.#sending = true;
    const source = { from: "reminder", atMs } as const;
    const message = new Message({ source, command, input }, (outcome) => {
      this.#sending = false;
      if (!("failed" in outcome)) return this.arm();
      this.#alarm = this.#world.agenda.after(
        retryAfterMs(attempt),
        () => this.#send(reminder, attempt + 1),
      );
    });
    this.#cell.receive(message);
  }
}
