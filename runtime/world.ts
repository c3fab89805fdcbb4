/**
 * What the actors of one host share.
 *
 * @module
 */
import type { Agenda } from "./agenda.ts";
import type { Cell } from "./cell.ts";
import type { Effect } from "./hosting.ts";
import type { Log } from "./log.ts";
import type { Message } from "./message.ts";
import type { Clock, NewId } from "./ports.ts";
import type { Fence, Store } from "./store.ts";

/** Counts since the host opened. */
export interface Counts {
  turns: number;
  commits: number;
  refusals: number;
  busy: number;
  throws: number;
  slow: number;
  loads: number;
  retries: number;
  parked: number;
}

/** The host, as its actors see it. */
export interface World {
  readonly store: Store;
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly log: Log;
  readonly newId: NewId;
  readonly counts: Counts;
  readonly effects: Readonly<Record<string, Effect>>;
  /** Aborted when the host drains. */
  readonly signal: AbortSignal;
  /** Called at each point a crash may strike at. */
  point(name: string): void;
  /** A fence for one more load of what belongs to `place`. */
  fence(place: number | string): Fence;
  /** Bring a message to an actor, wherever it lives. */
  deliver(address: string, message: Message): void;
  /** Tell the screens. */
  announce(cell: Cell, type: string, data: unknown): void;
  /** One cell more, or less, waits for the store. */
  active(change: 1 | -1): void;
  /** The cell is no longer to be found in memory. */
  release(cell: Cell): void;
}
