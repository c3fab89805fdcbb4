/**
 * What lies in an actor's mailbox, and what becomes of it.
 *
 * @module
 */
import { type Kind, LucidError } from "./errors.ts";
import type { Alarm } from "./agenda.ts";

/** What became of a message: data, because most of them never meet an exception. */
export type Outcome =
  /** Accepted. */
  | { readonly reply: unknown }
  /** Refused by the actor, for a reason its protocol declares. */
  | {
    readonly refused: string;
    readonly kind: Kind;
    readonly because: string;
  }
  /** Not decided: the runtime says why. */
  | {
    readonly failed: string;
    readonly kind: Kind;
    readonly because: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };

/** A tell's name for ever: who sent it, and which of the sender's it is. */
export interface TellId {
  /** Address of the sender. */
  readonly sender: string;
  /** When the sender's document began, as a ULID: a sender made anew counts anew. */
  readonly birth: string;
  /** Rises with each of the sender's tells, over all receivers. */
  readonly number: number;
}

/** Where a message comes from, and by what it is known when it comes again. */
export type Source =
  /** From outside; `op` is the caller's name for it, empty where it gave none. */
  | { readonly from: "ask"; readonly op: string }
  /** From another actor. */
  | { readonly from: "tell"; readonly tell: TellId }
  /** What came of the effect with this number in the outbox. */
  | { readonly from: "effect"; readonly number: number }
  /** The reminder that was set for this time. */
  | { readonly from: "reminder"; readonly atMs: number }
  /** No message: what was delivered leaves the document. */
  | { readonly from: "tidy" };

/** One message, settled once. */
export class Message {
  readonly source: Source;
  readonly command: string;
  readonly input: unknown;
  /** How long its sender waits, from the moment it was made; for ever when infinite. */
  readonly withinMs: number;
  /** W3C trace context of whoever sent it. */
  readonly traceparent: string;
  #settle: ((outcome: Outcome) => void) | undefined;
  #alarm: Alarm | undefined;

  constructor(
    message: {
      readonly source: Source;
      readonly command: string;
      readonly input: unknown;
      readonly withinMs?: number;
      readonly traceparent?: string | undefined;
    },
    settle: (outcome: Outcome) => void,
  ) {
    this.source = message.source;
    this.command = message.command;
    this.input = message.input;
    this.withinMs = message.withinMs ?? Infinity;
    this.traceparent = message.traceparent ?? "";
    this.#settle = settle;
  }

  /** Nobody waits for it any more. */
  get settled(): boolean {
    return this.#settle === undefined;
  }

  /** Rings when its sender stops waiting; called off when it is settled. */
  set deadline(alarm: Alarm) {
    this.#alarm = alarm;
  }

  /** Tell its sender, the first time. */
  settle(outcome: Outcome): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    this.#alarm?.cancel();
    settle(outcome);
  }
}

/** Taken, and not to be sent again: all that the sender of a tell needs to know. */
export const TAKEN: Outcome = { reply: null };

/** Its mailbox or outbox is full, or the store has not yet taken its rows. */
export const BUSY: Outcome = failure(
  "actor/busy",
  "exhausted",
  "too much is waiting for it",
);
/** Its decision threw; nothing was done. */
export const THREW: Outcome = failure("actor/threw", "internal", "it failed");
/** Too many different messages made it throw. */
export const POISONED: Outcome = failure(
  "actor/poisoned",
  "unavailable",
  "it failed too often",
);
/** Safe to repeat only with an operation id. */
export const UNKNOWN: Outcome = failure(
  "actor/unknown",
  "unavailable",
  "the store gave no answer; it may have been done",
);
/** The store has seen a higher epoch. */
export const MOVED: Outcome = failure(
  "actor/moved",
  "unavailable",
  "another node has taken it over",
);
/** Its document does not fit its schema. */
export const UNREADABLE: Outcome = failure(
  "actor/unreadable",
  "internal",
  "what is stored does not fit its schema",
);

function failure(
  failed: string,
  kind: "exhausted" | "internal" | "unavailable",
  why: string,
): Outcome {
  return { failed, kind, because: `Cannot ask the actor: ${why}` };
}

/** By what a message is known when it comes again. */
export function nameOf({ source, command }: Message): string {
  switch (source.from) {
    case "ask":
      return `ask#${source.op}#${command}`;
    case "tell":
      return `${source.tell.sender}#${source.tell.birth}#${source.tell.number}`;
    case "effect":
      return `effect#${source.number}`;
    case "reminder":
      return `reminder#${command}#${source.atMs}`;
    case "tidy":
      return "tidy";
  }
}

/** The first acceptance again, unless the name is used for something else. */
export function repeat(
  message: Message,
  answer: { readonly command: string; readonly reply: unknown },
): void {
  if (answer.command === message.command) {
    return message.settle({ reply: answer.reply });
  }
  message.settle({
    failed: "request/op-reused",
    kind: "conflict",
    because:
      `Cannot ${message.command}: its operation id was used for ${answer.command}`,
  });
}

/**
 * The reply, or the refusal or failure as an exception.
 *
 * @throws {LucidError} With the code and kind of the outcome.
 */
export function unwrap(outcome: Outcome): unknown {
  if ("reply" in outcome) return outcome.reply;
  if ("refused" in outcome) {
    throw new LucidError(outcome.refused, outcome.kind, outcome.because);
  }
  const { failed, kind, because, details } = outcome;
  throw new LucidError(failed, kind, because, details ? { details } : {});
}
