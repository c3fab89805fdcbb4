/**
 * Messages between nodes: one inbox a node, frames with correlation ids of our own, and no
 * request of the bus library's. Whatever is lost on the way is the business of the sender's
 * deadline; a node that nobody answers for is tried again within it.
 *
 * @module
 */
import { parseAddress, placeOf } from "./address.ts";
import type { Agenda } from "./agenda.ts";
import type { Bus, BusMessage } from "./bus.ts";
import { LucidError } from "./errors.ts";
import { decodeFrame, encodeFrame, type Frame } from "./frame.ts";
import type { Log } from "./log.ts";
import { Message, type Outcome, type Source } from "./message.ts";
import { nodeSubject } from "./subjects.ts";
import type { AnyBehavior } from "./turn.ts";

/** The longest wait for an answer from another node, whatever the sender would bear. */
const LEFT_MS_MAX = 60_000;
/** Nobody answers for the node: it may be moving house. */
const NOBODY_RETRY_MS = 150;
/** Messages of this node under way to others; past it a sender is told to come later. */
const WAITING_MAX = 4_096;

/** A tell's name in a frame: sender, birth, number. */
const TELL_OP = /^([^#]+)#([0-9A-Z]{26})#([1-9][0-9]{0,15})$/;

/** What a link is made of. */
interface LinkOptions {
  readonly node: string;
  readonly bus: Bus;
  readonly agenda: Agenda;
  readonly log: Log;
  readonly behaviors: ReadonlyMap<string, AnyBehavior>;
  /** Takes what arrives for an actor here. */
  readonly take: (address: string, message: Message) => void;
}

/** A message on its way to another node. */
interface Parcel {
  readonly address: string;
  readonly message: Message;
}

interface Waiting extends Parcel {
  readonly node: string;
  readonly untilMs: number;
}

/** Connect `node` to the others. */
export function openLink(options: LinkOptions): Link {
  return new Link(options);
}

class Link {
  readonly #options: LinkOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #closers: (() => void)[];
  #correlation = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { bus, node } = options;
    const inbox = nodeSubject(node);
    this.#closers = [
      bus.subscribe(inbox, (message) => this.#arrive(message)),
      bus.subscribe(`${inbox}.nobody.*`, (message) => this.#nobody(message)),
    ];
  }

  /** Send a message to the node its actor lives on. */
  send(node: string, parcel: Parcel): void {
    const { agenda, bus } = this.#options;
    const { message, address } = parcel;
    if (this.#waiting.size >= WAITING_MAX) {
      return message.settle({
        failed: "actor/busy",
        kind: "exhausted",
        because:
          `Cannot send to ${address}: ${WAITING_MAX} messages are under way`,
      });
    }
    if (!bus.connected) return message.settle(unreachable(address, node));
    const limitMs = Math.min(message.withinMs, LEFT_MS_MAX);
    const correlation = this.#correlation = (this.#correlation + 1) >>> 0;
    const untilMs = agenda.nowMs() + limitMs;
    this.#waiting.set(correlation, { ...parcel, node, untilMs });
    message.deadline = agenda.after(limitMs, () => {
      this.#waiting.delete(correlation);
      message.settle(unreachable(address, node));
    });
    this.#publish(correlation);
  }

  /** Hear nothing more. */
  close(): void {
    for (const close of this.#closers) close();
    this.#waiting.clear();
  }

  #publish(correlation: number): void {
    const { agenda, bus, node: from } = this.#options;
    const waiting = this.#waiting.get(correlation);
    if (waiting === undefined) return;
    const { address, message, node, untilMs } = waiting;
    const { command, input, traceparent, source } = message;
    const place = placeOf(parseAddress(address));
    try {
      const frame = encodeFrame({
        kind: source.from === "tell" ? "tell" : "ask",
        shard: typeof place === "number" ? place : undefined,
        correlation,
        epoch: 0,
        leftMs: untilMs - agenda.nowMs(),
        from,
        address,
        command,
        op: opOf(source),
        traceparent,
        body: input,
      });
      const reply = `${nodeSubject(from)}.nobody.${correlation}`;
      bus.publish(nodeSubject(node), frame, { reply });
    } catch (error) {
      if (!(error instanceof LucidError)) throw error;
      this.#waiting.delete(correlation);
      const { code, kind, message: because } = error;
      message.settle({ failed: code, kind, because });
    }
  }

  #nobody({ subject, nobody }: BusMessage): void {
    if (!nobody) return;
    const correlation = Number(subject.split(".").at(-1));
    this.#options.agenda.after(
      NOBODY_RETRY_MS,
      () => this.#publish(correlation),
    );
  }

  #arrive({ payload }: BusMessage): void {
    let frame;
    try {
      frame = decodeFrame(payload);
    } catch (error) {
      return this.#options.log.warn("frame unreadable", {
        bytes: payload.length,
        error,
      });
    }
    if (frame.kind === "answer") return this.#answered(frame);
    const { address, command, body, leftMs, traceparent, correlation, from } =
      frame;
    const source = sourceOf(frame);
    if (source === undefined) {
      return this.#options.log.warn("tell unnamed", { from, address, command });
    }
    const message = new Message(
      { source, command, input: body, withinMs: leftMs, traceparent },
      (outcome) => this.#answer(from, correlation, outcome),
    );
    this.#options.take(address, message);
  }

  #answer(to: string, correlation: number, outcome: Outcome): void {
    const { bus, node: from } = this.#options;
    const frame = (body: Outcome): Uint8Array =>
      encodeFrame({
        kind: "answer",
        shard: undefined,
        correlation,
        epoch: 0,
        leftMs: 0,
        from,
        address: "",
        command: "",
        op: "",
        traceparent: "",
        body,
      });
    let bytes;
    try {
      bytes = frame(outcome);
    } catch (error) {
      if (!(error instanceof LucidError)) throw error;
      const { code, kind, message: because } = error;
      bytes = frame({ failed: code, kind, because });
    }
    bus.publish(nodeSubject(to), bytes);
  }

  #answered({ correlation, body }: Frame): void {
    const waiting = this.#waiting.get(correlation);
    if (waiting === undefined) return;
    this.#waiting.delete(correlation);
    waiting.message.settle(this.#checked(waiting, body));
  }

  /** Bytes from another process meet their schema here. */
  #checked({ address, message }: Parcel, body: unknown): Outcome {
    if (isOutcome(body)) {
      if (!("reply" in body) || message.source.from !== "ask") return body;
      const behavior = this.#options.behaviors.get(parseAddress(address).kind);
      const spec = behavior?.protocol.commands[message.command];
      const result = spec?.reply["~standard"].validate(body.reply);
      if (result === undefined || "value" in result) return body;
    }
    return {
      failed: "frame/invalid",
      kind: "internal",
      because: `Cannot read the reply of ${address}: it does not fit`,
    };
  }
}

/** Whether a body can be an outcome at all: it comes from another process. */
function isOutcome(body: unknown): body is Outcome {
  if (typeof body !== "object" || body === null) return false;
  if ("reply" in body) return true;
  const { because, kind } = body as Record<string, unknown>;
  return ("refused" in body || "failed" in body) &&
    typeof because === "string" && typeof kind === "string";
}

function unreachable(address: string, node: string): Outcome {
  return {
    failed: "actor/unreachable",
    kind: "unavailable",
    because: `Cannot reach ${address}: node ${node} does not answer`,
  };
}

function opOf(source: Source): string {
  if (source.from === "ask") return source.op;
  if (source.from !== "tell") return "";
  const { sender, birth, number } = source.tell;
  return `${sender}#${birth}#${number}`;
}

function sourceOf({ kind, op }: Frame): Source | undefined {
  if (kind === "ask") return { from: "ask", op };
  const [, sender, birth, number] = TELL_OP.exec(op) ?? [];
  if (sender === undefined || birth === undefined) return undefined;
  return { from: "tell", tell: { sender, birth, number: Number(number) } };
}
