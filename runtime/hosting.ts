/**
 * What a process sees of its host: how to open one, and what can be asked of it.
 *
 * @module
 */
import type { Behavior } from "./actor.ts";
import type { Bus } from "./bus.ts";
import type { Claims } from "./claims.ts";
import type { Log } from "./log.ts";
import type { Outcome } from "./message.ts";
import type { Clock, Random } from "./ports.ts";
import type { CommandName, Input, Protocol, Reply } from "./protocol.ts";
import type { Found, Page, Store } from "./store.ts";

/** Work on the outside world that an actor asked for. */
export interface Work {
  /** The actor. */
  readonly address: string;
  /** The node it is pinned to; empty for a sharded one. */
  readonly node: string;
  /** Its id. */
  readonly id: string;
  /** What is to be found or made: the same key is the same thing. */
  readonly key: string;
  /** As the decision gave it. */
  readonly input: unknown;
  /** Aborted when the host drains: leave things as they are, the work will be asked for again. */
  readonly signal: AbortSignal;
}

/**
 * Does one kind of work, at least once, never twice at a time for one actor and key. What it resolves to is
 * the input of the answering command; whatever it throws means "not yet", and it is tried again with back-off.
 * So an effect that fails for good resolves, to an answer that says so.
 */
export type Effect = (work: Work) => Promise<unknown>;

/** How much a host keeps in memory, and for how long. */
export interface Limits {
  /** An actor that nothing was said to for so long leaves memory. */
  readonly idleMs: number;
  /** Actors in memory; the longest unused leave first. */
  readonly cellsMax: number;
}

/** What a host is made of. */
export interface HostOptions {
  /** This node's name: one token. Pinned actors carry it in their address. */
  readonly node: string;
  /** ULID of this life of the host; a fresh one when absent. */
  readonly incarnation?: string;
  /** The kinds of actors that live here. */
  // deno-lint-ignore no-explicit-any -- any protocol: a behavior is invariant in its own
  readonly behaviors: readonly Behavior<any>[];
  /** Where documents outlive the process. */
  readonly store: Store;
  /** How other nodes and foreign clients reach this one. */
  readonly bus?: Bus;
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Where facts are told. */
  readonly log: Log;
  /** The epochs this node has claimed. */
  readonly claims: Claims;
  /** Hands, by `kind.perform`: `recorder.seal`. */
  readonly effects?: Readonly<Record<string, Effect>>;
  /** Which node an address lives on; everything not pinned elsewhere lives here when absent. */
  readonly locate?: (address: string) => string;
  /** {@linkcode LIMITS} where absent. */
  readonly limits?: Partial<Limits>;
  /** Called with the name of each point a crash may strike at, right after it was passed: `actor-commit`, `actor-rows`. */
  readonly points?: (name: string) => void;
}

/** Two minutes idle, and as many actors as fit a small machine at about 4 kB each. */
export const LIMITS: Limits = { idleMs: 120_000, cellsMax: 50_000 };

/** How long an ask waits unless it says otherwise: longer than any commit, shorter than a person's patience. */
export const ASK_WITHIN_MS = 5_000;

/** A drain ends by then, whatever still hangs: a stop is to take less than 3 s. */
export const DRAIN_WITHIN_MS = 2_000;

/** How an ask is made. */
export interface AskOptions {
  /** The caller's name for it, kept ≥ 24 h: asking again with it gives the first acceptance again. */
  readonly op?: string;
  /** How long the caller waits; {@linkcode ASK_WITHIN_MS} when absent. */
  readonly withinMs?: number;
  /** W3C trace context of the caller. */
  readonly traceparent?: string;
}

/** How a report is made. */
export interface ReportOptions {
  /** Made from the fact (session, index), so that the fact is taken once however often it is told. */
  readonly op: string;
  /** Gives up when aborted. */
  readonly signal?: AbortSignal;
}

/** One event, as it is announced. */
export interface Announcement {
  /** `lucid.v1.evt.<kind>.<id>.<event>`, with the node before the id for pinned actors. */
  readonly subject: string;
  /** Who says it. */
  readonly address: string;
  /** Name of the event. */
  readonly type: string;
  /** What it says. */
  readonly data: unknown;
}

/** Counts since the host opened, and what it holds now. */
export interface Stats {
  /** Actors in memory. */
  readonly cells: number;
  /** Actors that threw too often and are left alone. */
  readonly parked: number;
  /** Messages decided. */
  readonly turns: number;
  /** Documents written. */
  readonly commits: number;
  /** Messages refused by an actor. */
  readonly refusals: number;
  /** Messages turned away because a mailbox or an outbox was full. */
  readonly busy: number;
  /** Decisions that threw. */
  readonly throws: number;
  /** Decisions over 50 ms. */
  readonly slow: number;
  /** Documents loaded. */
  readonly loads: number;
  /** Effects that did not come to an answer, and were tried again. */
  readonly retries: number;
}

/** The commands of one actor as functions: `ref.stop({}, { op })`. */
export type Ref<P extends Protocol> = {
  readonly [K in CommandName<P>]: (
    input: Input<P, K>,
    options?: AskOptions,
  ) => Promise<Reply<P, K>>;
};

/** Runs actors. */
export interface Host {
  /** This node's name. */
  readonly node: string;
  /** ULID of this life. */
  readonly incarnation: string;
  /**
   * Ask an actor, wherever it lives, and wait for its answer.
   *
   * @throws {LucidError} A refusal with its declared code and kind; `request/invalid`; `actor/busy` (exhausted);
   * `actor/deadline`, `actor/unknown`, `actor/unreachable`, `actor/poisoned`, `actor/draining` (unavailable); `actor/threw` (internal).
   */
  ask<P extends Protocol, K extends CommandName<P>>(
    protocol: P,
    address: string,
    command: K,
    input: Input<P, K>,
    options?: AskOptions,
  ): Promise<Reply<P, K>>;
  /**
   * Report a fact: ask, unchanged and for as long as it takes, until the actor accepts or refuses.
   *
   * @throws {LucidError} A refusal, `request/invalid`, or what the signal was aborted with.
   */
  report<P extends Protocol, K extends CommandName<P>>(
    protocol: P,
    address: string,
    command: K,
    input: Input<P, K>,
    options: ReportOptions,
  ): Promise<Reply<P, K>>;
  /** The commands of one actor as functions; `id` is `node/id` for a pinned one. */
  ref<P extends Protocol>(protocol: P, id: string): Ref<P>;
  /** What {@linkcode Host.ask} does, for callers that have names instead of types: the doors. Never rejects. */
  request(
    address: string,
    command: string,
    input: unknown,
    options?: AskOptions,
  ): Promise<Outcome>;
  /**
   * Hear the events of actors that live here: `lucid.v1.evt.session.<id>.>`. Needs no bus. Returns how to stop.
   */
  on(pattern: string, handler: (event: Announcement) => void): () => void;
  /** Tells that were refused or threw too often: rows of the store, oldest receivers first. */
  deadLetters(
    page: { readonly limit: number; readonly after?: string },
  ): Promise<Page<Found>>;
  /** Send a dead letter that came from another actor again, under its old number: it is taken once at most. */
  replay(letterId: string): Promise<void>;
  /** Counts. */
  stats(): Stats;
  /** Take nothing new, finish turns and commits, let go of bus and clock. Resolves within {@linkcode DRAIN_WITHIN_MS}. */
  drain(): Promise<void>;
}
