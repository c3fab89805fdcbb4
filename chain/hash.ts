/**
 * Bytes joined, compared and hashed: the vocabulary in which the formats are written. `‖` is {@linkcode join},
 * `uN` is {@linkcode u8}, {@linkcode u32} or {@linkcode u64}, H is {@linkcode sha256} and a tag is {@linkcode tag}.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { SHORT_BYTES_MAX, shortHash } from "./short_hash.ts";

/** Bytes that own their memory, as Web APIs demand. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** 32 zero bytes: "none" wherever a format has a hash. */
export const ZERO_HASH: Bytes = new Uint8Array(HASH_BYTES);

/** SHA-256 over parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length <= SHORT_BYTES_MAX) return shortHash(parts);
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Parts, one after the other. */
export function join(...parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** ASCII text and one zero byte: what keeps a hash or signature of one purpose from serving another. */
export function tag(text: string): Bytes {
  return new TextEncoder().encode(`${text}\0`);
}

/** One byte. */
export function u8(value: number): Bytes {
  return Uint8Array.of(value);
}

/** Four bytes, big-endian. */
export function u32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Eight bytes, big-endian. */
export function u64(value: number): Bytes {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Below, at or above zero, as `a` sorts before, with or after `b`, byte by byte. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = a[at]! - b[at]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether two byte strings are the same. Not constant in time: nothing secret is compared here. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return compareBytes(a, b) === 0;
}
