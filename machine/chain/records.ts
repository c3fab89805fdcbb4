/**
 * Files made of checksummed records: four letters of magic, a version byte, then records.
 *
 *     record = 4 B mark ‖ kind u8 ‖ length u32 ‖ first 8 B of SHA-256(kind ‖ length ‖ payload) ‖ payload
 *
 * The mark lets a reader look for records behind a bad one, and so tell a torn tail from damage.
 *
 * @module
 */
import { join, sha256, u32, u8 } from "../../chain/hash.ts";

/** One record, and where it lies. */
export interface FoundRecord {
  readonly kind: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Offsets of its first byte and of the one after its last. */
  readonly start: number;
  readonly end: number;
}

const VERSION = 1;
const MARK = Uint8Array.of(0xc3, 0x4c, 0x52, 0x0a);
const HEAD_BYTES = 17;

/** The largest payload that is believed: a full block in a WAL, and room to spare. */
const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;

/** How much is read at once while looking through a file. */
const WINDOW_BYTES = 1024 * 1024;

/** Bytes before the first record. */
export const FILE_HEAD_BYTES = 5;

/** How a file begins; `magic` is four ASCII letters. */
export function fileHead(magic: string): Uint8Array<ArrayBuffer> {
  return join(new TextEncoder().encode(magic), u8(VERSION));
}

/** The bytes of one record. */
export function recordBytes(
  kind: number,
  payload: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return join(
    MARK,
    u8(kind),
    u32(payload.length),
    checksum(kind, payload),
    payload,
  );
}

/** Bytes that a payload of `count` bytes takes up in a file. */
export function recordLength(count: number): number {
  return HEAD_BYTES + count;
}

function checksum(kind: number, payload: Uint8Array): Uint8Array {
  return sha256(u8(kind), u32(payload.length), payload).subarray(0, 8);
}

/** Reads records one after the other, a window of the file at a time. */
export class RecordReader {
  readonly #file: Deno.FsFile;
  #window: Uint8Array<ArrayBuffer> = new Uint8Array();
  #windowStart = 0;
  /** Where the next record would begin. */
  at = FILE_HEAD_BYTES;

  constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** Whether the file begins as {@linkcode fileHead} says. */
  hasHead(magic: string): boolean {
    return this.#bytes(0, FILE_HEAD_BYTES).toHex() === fileHead(magic).toHex();
  }

  /** The next record, or undefined where there is no whole and sound one. */
  next(): FoundRecord | undefined {
    const found = this.#recordAt(this.at);
    if (found !== undefined) this.at = found.end;
    return found;
  }

  /** Whether a sound record of some kind lies anywhere behind `at`. */
  hasBehind(isSought: (record: FoundRecord) => boolean): boolean {
    const fileBytes = this.#file.statSync().size;
    for (let start = this.at + 1; start < fileBytes; start++) {
      const window = this.#bytes(start, WINDOW_BYTES);
      const found = indexOfMark(window);
      if (found < 0) {
        start += Math.max(0, window.length - MARK.length);
        continue;
      }
      start += found;
      const record = this.#recordAt(start);
      if (record !== undefined && isSought(record)) return true;
    }
    return false;
  }

  /** The record at an offset. */
  #recordAt(start: number): FoundRecord | undefined {
    const head = this.#bytes(start, HEAD_BYTES);
    if (head.length < HEAD_BYTES || indexOfMark(head) !== 0) return undefined;
    const kind = head[4]!;
    const length = new DataView(head.buffer, head.byteOffset).getUint32(5);
    if (length > PAYLOAD_BYTES_MAX) return undefined;
    const expected = head.slice(9).toHex();
    const payload = this.#bytes(start + HEAD_BYTES, length).slice();
    if (
      payload.length < length || checksum(kind, payload).toHex() !== expected
    ) return undefined;
    return { kind, payload, start, end: start + HEAD_BYTES + length };
  }

  /** Up to `count` bytes from `start`: fewer at the end of the file. */
  #bytes(start: number, count: number): Uint8Array<ArrayBuffer> {
    const windowEnd = this.#windowStart + this.#window.length;
    if (start < this.#windowStart || start + count > windowEnd) {
      this.#window = readAt(this.#file, {
        start,
        count: Math.max(count, WINDOW_BYTES),
      });
      this.#windowStart = start;
    }
    const from = start - this.#windowStart;
    return this.#window.subarray(from, from + count);
  }
}

/** Up to `count` bytes of a file from `start`. */
export function readAt(
  file: Deno.FsFile,
  { start, count }: { readonly start: number; readonly count: number },
): Uint8Array<ArrayBuffer> {
  file.seekSync(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const read = file.readSync(bytes.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}

/** Write all of `bytes` from `start` on. */
export function writeAt(
  file: Deno.FsFile,
  { start, bytes }: { readonly start: number; readonly bytes: Uint8Array },
): void {
  file.seekSync(start, Deno.SeekMode.Start);
  let written = 0;
  while (written < bytes.length) {
    written += file.writeSync(bytes.subarray(written));
  }
}

function indexOfMark(bytes: Uint8Array): number {
  for (
    let at = bytes.indexOf(MARK[0]!);
    at >= 0;
    at = bytes.indexOf(MARK[0]!, at + 1)
  ) {
    if (MARK.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

/** The only record of a small file that is written whole, or undefined if it is not sound. */
export function onlyRecord(
  bytes: Uint8Array,
  { magic, kind }: { readonly magic: string; readonly kind: number },
): Uint8Array | undefined {
  const payload = bytes.subarray(FILE_HEAD_BYTES + HEAD_BYTES);
  const expected = join(fileHead(magic), recordBytes(kind, payload));
  return expected.toHex() === bytes.toHex() ? payload : undefined;
}
