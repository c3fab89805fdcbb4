/**
 * What a host asks of a message bus: publish and subscribe, at most once, in order per pair.
 *
 * @module
 */

/** One message as it arrives. */
export interface BusMessage {
  /** What it was published on. */
  readonly subject: string;
  /** Its bytes; valid only until the handler returns. */
  readonly payload: Uint8Array;
  /** Where its sender waits for an answer. */
  readonly reply: string | undefined;
  /** Nobody listens on the subject that was published with this one as `reply`. */
  readonly nobody: boolean;
  /** Value of a header, looked up without regard to case. */
  header(name: string): string | undefined;
}

/** Where an answer goes, and what travels beside the bytes. */
export interface PublishOptions {
  /** Subject that answers go to; hears of it (`nobody`) where no one listens. */
  readonly reply?: string;
}

/** Who shares the messages. */
export interface SubscribeOptions {
  /** Each message goes to one member of the group of this name. */
  readonly queue?: string;
}

/** A message bus. `*` stands for one token of a subject, a final `>` for one or more. */
export interface Bus {
  /** Whether anything published now can leave. What is published while it cannot is dropped. */
  readonly connected: boolean;
  /** Send. Never throws: a lost message is the receiver's deadline's business. */
  publish(
    subject: string,
    payload: Uint8Array,
    options?: PublishOptions,
  ): void;
  /** Hear what is published on `pattern`, for as long as the bus is open. Returns how to stop. */
  subscribe(
    pattern: string,
    handler: (message: BusMessage) => void,
    options?: SubscribeOptions,
  ): () => void;
  /** Resolves when the bus is connected and has seen all that was asked of it before. */
  flush(): Promise<void>;
  /** Let go of the connection and of every subscription. */
  close(): Promise<void>;
}

/** Largest payload: nats-server's own default, 1 MiB. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

/**
 * Tell whether a subject fits a pattern.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { subjectMatches } from "@lucid/runtime";
 *
 * assert(subjectMatches("lucid.v1.evt.session.*.stopped", "lucid.v1.evt.session.01J.stopped"));
 * assert(!subjectMatches("lucid.v1.evt.>", "lucid.v1.evt"));
 * ```
 */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  for (const [i, token] of wanted.entries()) {
    if (token === ">") return tokens.length > i;
    if (tokens[i] === undefined) return false;
    if (token !== "*" && token !== tokens[i]) return false;
  }
  return tokens.length === wanted.length;
}
