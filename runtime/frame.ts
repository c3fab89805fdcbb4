/**
 * One message between two nodes, as bytes. Numbers are big-endian; text is UTF-8; the body is JSON.
 *
 *     length u32 of what follows · version u8 = 1 · kind u8 · shard u16 (65535: pinned) · correlation u32 ·
 *     epoch u32 that the sender believes in · left u32, ms until the sender stops waiting (0: it does not) ·
 *     five texts, each length u8 and bytes: sender node, address, command, operation, traceparent · body
 *
 * The deadline is time left, not a date: clocks differ. The length lets later versions lay frames end to end.
 *
 * @module
 */
import { LucidError } from "./errors.ts";

/** What a frame is for. */
export type FrameKind = "ask" | "tell" | "answer";

/** A frame taken apart. */
export interface Frame {
  readonly kind: FrameKind;
  /** Shard of the receiver; undefined for a pinned one. */
  readonly shard: number | undefined;
  /** Chosen by the asker, repeated in the answer. */
  readonly correlation: number;
  /** Epoch under which the sender believes the receiver's shard to be owned; 0 where it does not know. */
  readonly epoch: number;
  /** Milliseconds until the sender stops waiting; 0 for an answer. */
  readonly leftMs: number;
  /** Node of the sender. */
  readonly from: string;
  /** The actor; empty in an answer. */
  readonly address: string;
  /** The command; empty in an answer. */
  readonly command: string;
  /** Operation id of an ask; `<sender>#<birth>#<number>` of a tell. */
  readonly op: string;
  /** W3C trace context, or empty. */
  readonly traceparent: string;
  /** Input of a command, or outcome. */
  readonly body: unknown;
}

const VERSION = 1;
const KINDS: readonly FrameKind[] = ["ask", "tell", "answer"];
const PINNED = 0xffff;
const HEAD_BYTES = 20;
/** Five texts of a length byte and at most 255 bytes. */
const TEXTS_BYTES_MAX = 5 * 256;

/** Largest body: with its head it stays within nats-server's default payload of 1 MiB. */
export const BODY_BYTES_MAX = 1024 * 1024 - HEAD_BYTES - TEXTS_BYTES_MAX;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Lets anything pass, and takes a third of the time for it. */
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const NOT_ASCII = /[^\0-\x7f]/;

/**
 * Write a frame.
 *
 * @throws {LucidError} `frame/too-large` where the body does not fit.
 */
export function encodeFrame(frame: Frame): Uint8Array {
  const body = JSON.stringify(frame.body ?? null);
  const { from, address, command, op, traceparent } = frame;
  const texts = [from, address, command, op, traceparent];
  const units = texts.reduce((sum, { length }) => sum + length, body.length);
  // UTF-8 takes at most three bytes for each unit of a string.
  const bytes = new Uint8Array(HEAD_BYTES + texts.length + units * 3);
  const view = new DataView(bytes.buffer);
  view.setUint8(4, VERSION);
  view.setUint8(5, KINDS.indexOf(frame.kind));
  view.setUint16(6, frame.shard ?? PINNED);
  view.setUint32(8, frame.correlation);
  view.setUint32(12, frame.epoch);
  view.setUint32(16, Math.min(Math.ceil(frame.leftMs), 0xffffffff));
  let at = HEAD_BYTES;
  for (const text of texts) {
    const room = bytes.subarray(at + 1, at + 256);
    const { read, written } = encoder.encodeInto(text, room);
    if (read < text.length) {
      throw tooLarge(`a text of ${text.length} characters`);
    }
    bytes[at] = written;
    at += 1 + written;
  }
  const { written } = encoder.encodeInto(body, bytes.subarray(at));
  if (written > BODY_BYTES_MAX) throw tooLarge(`a body of ${written} bytes`);
  view.setUint32(0, at + written - 4);
  return bytes.subarray(0, at + written);
}

/**
 * Read a frame.
 *
 * @throws {LucidError} `frame/invalid` where the bytes are not one.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  try {
    return read(bytes);
  } catch (cause) {
    if (cause instanceof LucidError) throw cause;
    throw invalid("it is cut short or its text is no UTF-8 or JSON", cause);
  }
}

function read(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== bytes.length - 4) {
    throw invalid("its length is another");
  }
  const version = view.getUint8(4);
  if (version !== VERSION) throw invalid(`it is of version ${version}`);
  const kind = KINDS[view.getUint8(5)];
  if (kind === undefined) throw invalid("its kind is unknown");
  let at = HEAD_BYTES;
  const text = (): string => {
    const start = at + 1;
    at = start + view.getUint8(at);
    if (at > bytes.length) throw invalid("it is cut short");
    if (start === at) return "";
    return readText(bytes.subarray(start, at));
  };
  const shard = view.getUint16(6);
  const [from, address, command, op, traceparent] = [
    text(),
    text(),
    text(),
    text(),
    text(),
  ];
  return {
    kind,
    shard: shard === PINNED ? undefined : shard,
    correlation: view.getUint32(8),
    epoch: view.getUint32(12),
    leftMs: view.getUint32(16),
    from,
    address,
    command,
    op,
    traceparent,
    body: JSON.parse(readText(bytes.subarray(at))),
  };
}

/** Nearly all texts are ASCII, and what is ASCII when read leniently was so when it was written. */
function readText(bytes: Uint8Array): string {
  const text = lenientDecoder.decode(bytes);
  return NOT_ASCII.test(text) ? decoder.decode(bytes) : text;
}

function invalid(why: string, cause?: unknown): LucidError {
  return new LucidError(
    "frame/invalid",
    "invalid",
    `Cannot read a frame: ${why}`,
    { cause },
  );
}

function tooLarge(what: string): LucidError {
  return new LucidError(
    "frame/too-large",
    "exhausted",
    `Cannot send a frame: ${what} does not fit`,
  );
}
