/**
 * What a segment file looks like: a header, then records one after the other, then zeros up to the
 * length it was made with. A record is a head, a leaf and, for a chunk, its ciphertext. The head's
 * checksum covers the leaf and the record's own place, so that bytes left over from something else
 * never pass for a record; the ciphertext is covered by the hash in the leaf.
 *
 * @module
 */
import { type Bytes, join, sameBytes, sha256, u32 } from "../chain/hash.ts";
import { decodeLeaf, SEALED_BYTES_MAX } from "../chain/leaf.ts";
import { ulidBytes, ulidText } from "../chain/ulid.ts";

/** A segment file: ten hours of office work. Also how far a search for the next record can have to go. */
export const SEGMENT_FILE_BYTES = 64 * 1024 * 1024;

/** `LUCIDSEG`, version 1, three zeros, number u32. */
export const SEGMENT_HEADER_BYTES = 16;

/** Magic 4 · kind 1 · zeros 3 · session 16 · index 4 · leaf bytes 4 · sealed bytes 4 · checksum 12. */
export const HEAD_BYTES = 48;

/** A chunk's leaf has about 170 bytes, a gap's at most 100. */
export const LEAF_BYTES_MAX = 256;

const CHECKED_BYTES = 36;
const CHECKSUM_BYTES = HEAD_BYTES - CHECKED_BYTES;

/** First bytes of every record. */
export const RECORD_MAGIC: Bytes = new TextEncoder().encode("LREC");

/** What a record is. `erased` keeps its place, `end` says that nothing follows in this file. */
export const RECORD = { chunk: 1, gap: 2, erased: 3, end: 4 } as const;

/** A record's place: segment number and byte offset. */
export interface Place {
  /** Number of the segment file. */
  readonly segment: number;
  /** Byte where the record begins. */
  readonly offset: number;
}

/** What a head says. */
export interface RecordHead {
  /** One of {@linkcode RECORD}. */
  readonly kind: number;
  /** ULID. */
  readonly sessionId: string;
  /** Position of the leaf in its session. */
  readonly index: number;
  /** Bytes of the leaf, right behind the head. */
  readonly leafBytes: number;
  /** Bytes of ciphertext, right behind the leaf. */
  readonly sealedBytes: number;
}

/** A head and the leaf behind it, both as they were checked. */
export interface ScannedRecord extends RecordHead {
  /** The leaf's bytes. */
  readonly leaf: Bytes;
}

/** The header of segment file `number`. */
export function segmentHeader(number: number): Bytes {
  return join(new TextEncoder().encode("LUCIDSEG\x01\0\0\0"), u32(number));
}

/** `00000017.seg` */
export function segmentFileName(number: number): string {
  return `${String(number).padStart(8, "0")}.seg`;
}

/** The number in a segment file's name, or undefined for any other file. */
export function segmentNumber(fileName: string): number | undefined {
  return /^\d{8}\.seg$/.test(fileName)
    ? Number(fileName.slice(0, 8))
    : undefined;
}

/** Bytes that a record takes. */
export function recordBytes(
  { leafBytes, sealedBytes }: Pick<RecordHead, "leafBytes" | "sealedBytes">,
): number {
  return HEAD_BYTES + leafBytes + sealedBytes;
}

/** Head and leaf, ready to be written at `place`. */
export function encodeHead(
  head: Omit<ScannedRecord, "leafBytes">,
  place: Place,
): Bytes {
  const checked = join(
    RECORD_MAGIC,
    Uint8Array.of(head.kind, 0, 0, 0),
    ulidBytes(head.sessionId),
    u32(head.index),
    u32(head.leaf.length),
    u32(head.sealedBytes),
  );
  return join(
    checked,
    checksum(checked, { leaf: head.leaf, place }),
    head.leaf,
  );
}

/**
 * Read the record at `place`.
 *
 * @param bytes From the record's first byte on; {@linkcode HEAD_BYTES} and {@linkcode LEAF_BYTES_MAX} are enough.
 * @returns Undefined where there is no whole, undamaged head and leaf.
 */
export function decodeHead(
  bytes: Uint8Array,
  place: Place,
): ScannedRecord | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const leafBytes = view.getUint32(28);
  const sealedBytes = view.getUint32(32);
  if (leafBytes > LEAF_BYTES_MAX || HEAD_BYTES + leafBytes > bytes.length) {
    return undefined;
  }
  if (sealedBytes > SEALED_BYTES_MAX) return undefined;
  const checked = bytes.subarray(0, CHECKED_BYTES);
  const leaf = bytes.slice(HEAD_BYTES, HEAD_BYTES + leafBytes) as Bytes;
  const sum = checksum(checked, { leaf, place });
  if (!sameBytes(sum, bytes.subarray(CHECKED_BYTES, HEAD_BYTES))) {
    return undefined;
  }
  return {
    kind: bytes[4]!,
    sessionId: ulidText(bytes.subarray(8, 24)),
    index: view.getUint32(24),
    leafBytes,
    sealedBytes,
    leaf,
  };
}

/** Whether a chunk's ciphertext is the one its leaf was made over. */
export function isWhole(leaf: Uint8Array, sealed: Uint8Array): boolean {
  const chunk = decodeLeaf(leaf);
  return chunk.kind === "chunk" && sameBytes(sha256(sealed), chunk.sealedHash);
}

function checksum(
  checked: Uint8Array,
  { leaf, place }: { readonly leaf: Uint8Array; readonly place: Place },
): Bytes {
  return sha256(u32(place.segment), u32(place.offset), checked, leaf).slice(
    0,
    CHECKSUM_BYTES,
  );
}
