/**
 * The record stream: the plain bytes of one chunk. A magic and a version byte, then records
 * `dt u32 ‖ length u32 ‖ server bytes`, big-endian; `dt` counts the milliseconds since the chunk's
 * start and never falls. Record 0 is the opening of a connection without a password, each later one
 * is one framebuffer update, so a player only has to hand the bytes on at their times.
 *
 * @module
 */
import { PLAIN_BYTES_MAX } from "../chain/leaf.ts";
import { malformed } from "./rfb.ts";

/** `LUCIDRFB` and the version, 1. */
const MAGIC: Uint8Array = new TextEncoder().encode("LUCIDRFB\x01");

const RECORD_HEAD_BYTES = 8;

/** What an opening (record 0) may take: the greeting and a desktop's name. */
const OPENING_BYTES_MAX = 8 * 1024;

/** One update: it must fit into a chunk of its own, behind the magic and the opening. */
export const RECORD_BYTES_MAX = PLAIN_BYTES_MAX - MAGIC.length -
  OPENING_BYTES_MAX - 2 * RECORD_HEAD_BYTES;

/** What a stream's buffer starts with: a minute of office work is about 100 kB. */
const BUFFER_BYTES = 128 * 1024;

/** One record of a stream. */
export interface StreamRecord {
  /** Milliseconds since the chunk's start. */
  readonly atMs: number;
  /** Server bytes: the opening, or one update. */
  readonly bytes: Uint8Array;
}

/** Gathers one chunk's records. */
export class StreamWriter {
  #buffer = new Uint8Array(BUFFER_BYTES);
  #used = MAGIC.length;
  #lastMs = 0;

  constructor() {
    this.#buffer.set(MAGIC);
  }

  /** Whether `bytes` more still fit into the chunk. */
  fits(bytes: Uint8Array): boolean {
    return this.#used + RECORD_HEAD_BYTES + bytes.length <= PLAIN_BYTES_MAX;
  }

  /** Add a record; whoever adds has asked {@linkcode fits}. A time before the last one counts as the last one. */
  add({ atMs, bytes }: StreamRecord): void {
    this.#reserve(RECORD_HEAD_BYTES + bytes.length);
    this.#lastMs = Math.max(this.#lastMs, Math.floor(atMs));
    const view = new DataView(this.#buffer.buffer, this.#used);
    view.setUint32(0, this.#lastMs);
    view.setUint32(4, bytes.length);
    this.#buffer.set(bytes, this.#used + RECORD_HEAD_BYTES);
    this.#used += RECORD_HEAD_BYTES + bytes.length;
  }

  /** The stream so far, in memory of its own that can be transferred to a worker. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#used);
  }

  #reserve(count: number): void {
    const needed = this.#used + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(
      Math.min(PLAIN_BYTES_MAX, Math.max(needed, 2 * this.#buffer.length)),
    );
    grown.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = grown;
  }
}

/**
 * The records of a stream, in order. Strict: whatever a {@linkcode StreamWriter} could not have
 * written is refused.
 *
 * @throws {LucidError} `rfb/malformed` at the first byte that does not fit.
 */
export function* readStream(stream: Uint8Array): Generator<StreamRecord> {
  if (stream.length > PLAIN_BYTES_MAX) {
    throw malformed(
      `it has ${stream.length} bytes, more than ${PLAIN_BYTES_MAX}`,
    );
  }
  if (MAGIC.some((byte, at) => stream[at] !== byte)) {
    throw malformed("it does not begin as a Lucid record stream, version 1");
  }
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  let lastMs = 0;
  for (let at = MAGIC.length; at < stream.length;) {
    if (stream.length - at < RECORD_HEAD_BYTES) {
      throw malformed(`it ends inside the record at byte ${at}`);
    }
    const atMs = view.getUint32(at);
    const end = at + RECORD_HEAD_BYTES + view.getUint32(at + 4);
    if (end > stream.length) {
      throw malformed(`it ends inside the record at byte ${at}`);
    }
    if (atMs < lastMs) {
      throw malformed(`the record at byte ${at} goes back in time`);
    }
    yield { atMs, bytes: stream.subarray(at + RECORD_HEAD_BYTES, end) };
    lastMs = atMs;
    at = end;
  }
}
