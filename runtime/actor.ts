/**
 * What an actor does: pure functions over its state.
 *
 * @module
 */
import type {
  CommandName,
  EventName,
  EventOf,
  Input,
  Protocol,
  RefusalCode,
  Reply,
  State,
} from "./protocol.ts";
import type { Output } from "./schema.ts";

/** The only doors to the outside that a decision has. */
export interface Context {
  /** The actor's own id: the last token of its address. */
  readonly id: string;
  /** The node that a pinned actor lives on; empty for a sharded one. */
  readonly node: string;
  /** When the command was taken, in milliseconds since the Unix epoch. */
  readonly now: number;
  /** A fresh ULID. */
  newId(): string;
}

/** What is to happen afterwards: data, stored with the new state, so that no crash can forget it. */
export type Then =
  /** A message to another actor (`session/01J…`, `recorder/NODE/01J…`): delivered in order, applied once. */
  | {
    readonly tell: string;
    readonly command: string;
    readonly input: unknown;
  }
  /** The command `remind` to oneself, not before `atMs`. A second reminder of one command replaces the first. */
  | {
    readonly remind: string;
    readonly atMs: number;
    readonly input: unknown;
  }
  /** Work on the outside world, at least once, found again by `key`; what came of it returns as the command `answer` to oneself. */
  | {
    readonly perform: string;
    readonly key: string;
    readonly input: unknown;
    readonly answer: string;
  };

/** Yes: these facts are now true, and this is the answer. */
export interface Accepted<P extends Protocol, K extends CommandName<P>> {
  /** Applied to the state, which is stored in one write or not at all; then announced. */
  readonly events: readonly EventOf<P>[];
  /** Sent only after that write. */
  readonly reply: Reply<P, K>;
  /** Facts that would make the state grow: committed with it, kept as rows beside it. */
  readonly rows?: readonly Row[];
  /** Stored in that same write. */
  readonly then?: readonly Then[];
}

/** A fact kept beside the document: written once, the same bytes for ever. */
export interface Row {
  /** The collection it lies in. */
  readonly table: string;
  /** Unique in that table; by convention it begins with the actor's id. */
  readonly key: string;
  /** Plain JSON. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** No, for one of the declared reasons. Nothing is written. */
export interface Refused<P extends Protocol, K extends CommandName<P>> {
  /** One of the command's declared codes. */
  readonly refused: RefusalCode<P, K>;
  /** For people: what was attempted, then why not. */
  readonly because: string;
}

/** One handler per command. */
export type Decide<P extends Protocol> = {
  readonly [K in CommandName<P>]: (
    state: State<P>,
    input: Input<P, K>,
    context: Context,
  ) => Accepted<P, K> | Refused<P, K>;
};

/** One handler per event; it cannot fail, because the fact already happened. */
export type Apply<P extends Protocol> = {
  readonly [K in EventName<P>]: (
    state: State<P>,
    event: Output<P["events"][K]>,
  ) => State<P>;
};

/** A protocol with the functions that fulfil it, all pure: no clock, no I/O, no `await`. */
export interface Behavior<P extends Protocol> {
  /** What it answers to. */
  readonly protocol: P;
  /** State of an actor that nobody has written to yet. */
  initial(id: string): State<P>;
  /** Commands to events. */
  readonly decide: Decide<P>;
  /** Events to state. */
  readonly apply: Apply<P>;
}
