/**
 * What may be said to an actor, what it may say, and what it keeps.
 *
 * @module
 */
import type { Kind } from "./errors.ts";
import type { Output, Schema } from "./schema.ts";

/** One request that an actor answers. */
export interface CommandSpec {
  /** What the sender must supply. */
  readonly input: Schema<unknown>;
  /** What the actor answers when it accepts. */
  readonly reply: Schema<unknown>;
  /** Why it may refuse: stable code to what the caller can do about it. */
  readonly refusals: Readonly<Record<string, Kind>>;
}

/** Everything that one kind of actor hears, says and keeps, in one object. */
export interface Protocol {
  /** First token of its addresses and subjects: `[a-z]+`. */
  readonly name: string;
  /** Raised when stored state can no longer be read by the old schema. */
  readonly version: number;
  /** Name of the collection that holds its documents. */
  readonly collection: string;
  /** `sharded`: `kind/id`, one live activation in the cluster. `pinned`: `kind/node/id`, on the node that has the hardware. */
  readonly placement: "sharded" | "pinned";
  /** What is stored: the fields at the top of its document. */
  readonly state: Schema<unknown>;
  /** Imperative: `open`, `addChunk`. */
  readonly commands: Readonly<Record<string, CommandSpec>>;
  /** Past tense: `opened`, `chunkAdded`. */
  readonly events: Readonly<Record<string, Schema<unknown>>>;
}

/**
 * Declare a protocol, keeping every name as a literal type.
 *
 * @param protocol Commands, events and state of one kind of actor.
 * @returns The same object, narrowly typed.
 */
export function defineProtocol<const P extends Protocol>(protocol: P): P {
  return protocol;
}

/** Names of the commands of `P`. */
export type CommandName<P extends Protocol> = keyof P["commands"] & string;
/** Names of the events of `P`. */
export type EventName<P extends Protocol> = keyof P["events"] & string;
/** What `P` keeps. */
export type State<P extends Protocol> = Output<P["state"]>;
/** Input of command `K`. */
export type Input<P extends Protocol, K extends CommandName<P>> = Output<
  P["commands"][K]["input"]
>;
/** Reply of command `K`. */
export type Reply<P extends Protocol, K extends CommandName<P>> = Output<
  P["commands"][K]["reply"]
>;
/** Codes that command `K` may be refused with. */
export type RefusalCode<P extends Protocol, K extends CommandName<P>> =
  & keyof P["commands"][K]["refusals"]
  & string;
/** Any event of `P`, told apart by `type`. */
export type EventOf<P extends Protocol> = {
  [K in EventName<P>]: {
    readonly type: K;
    readonly data: Output<P["events"][K]>;
  };
}[EventName<P>];
