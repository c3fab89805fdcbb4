/**
 * Ed25519 with one rule of acceptance, the same in every verifier. RFC 8032 leaves room (with or without cofactor,
 * which encodings of a point, which points), and libraries use it differently; a chain whose nodes differed over one
 * signature would split. The rule, over the 64 bytes R ‖ S and the key A:
 *
 * - the platform's check, which is cofactorless: encode([S]B − [k]A) = R, byte for byte;
 * - S < L;
 * - A and R, with the sign bit cleared, have y < p and not one of the five y of small order.
 *
 * A node also checks once, at first use, that A has no torsion; then cofactored verifiers agree as well.
 *
 * @module
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { type Bytes, join, sameBytes } from "./hash.ts";

/** Bytes of a public key. */
export const KEY_BYTES = 32;

/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

/** Public keys that are kept ready for use; a verifier and a node meet a handful, an attacker may send any number. */
const READY_KEYS_MAX = 256;

/** What precedes the 32 bytes of a key in SubjectPublicKeyInfo (RFC 8410). */
const SPKI_PREFIX = Uint8Array.fromHex("302a300506032b6570032100");

/** Order of the base point, and the field's prime: both little-endian, as in signatures. */
const ORDER = Uint8Array.fromHex(
  "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010",
);
const PRIME = Uint8Array.fromHex(
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
);

/** y of the eight points of small order, little-endian: 0, 1, p − 1 and the two of order 8. */
const SMALL_ORDER: readonly Bytes[] = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
].map((hex) => Uint8Array.fromHex(hex));

/** A signature and what it claims to sign. */
export interface Signed {
  /** 32 bytes: a key is its own name. */
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  /** 64 bytes: R ‖ S. */
  readonly signature: Uint8Array;
}

/** Whether a signature is accepted. Never throws: wrong lengths are just not accepted. */
export function isSignature({ key, message, signature }: Signed): boolean {
  if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) {
    return false;
  }
  const isWellFormed = isPlainPoint(key) &&
    isPlainPoint(signature.subarray(0, 32)) &&
    isBelow(signature.subarray(32), ORDER);
  if (!isWellFormed) return false;
  try {
    return verify(null, message, ready(key), signature);
  } catch {
    // The platform throws where a key is no point at all.
    return false;
  }
}

/** Whether a key is a point of the prime-order subgroup. Costs 1 ms; asked once for each key. */
export function isTorsionFree(key: Uint8Array): boolean {
  if (key.length !== KEY_BYTES || !isPlainPoint(key)) return false;
  try {
    return ed25519.Point.fromBytes(key, false).isTorsionFree();
  } catch {
    return false;
  }
}

/** Whether 32 bytes, as a compressed point, have y < p and not of small order. */
function isPlainPoint(bytes: Uint8Array): boolean {
  const y = bytes.slice();
  y[31]! &= 0x7f;
  return isBelow(y, PRIME) && !SMALL_ORDER.some((small) => sameBytes(y, small));
}

/** Whether one little-endian number is below another of the same length. */
function isBelow(value: Uint8Array, limit: Uint8Array): boolean {
  for (let at = value.length - 1; at >= 0; at--) {
    if (value[at] !== limit[at]) return value[at]! < limit[at]!;
  }
  return false;
}

const readyKeys = new Map<string, KeyObject>();

function ready(key: Uint8Array): KeyObject {
  const name = key.toHex();
  let made = readyKeys.get(name);
  if (made === undefined) {
    made = createPublicKey({
      key: join(SPKI_PREFIX, key) as never,
      format: "der",
      type: "spki",
    });
    if (readyKeys.size === READY_KEYS_MAX) readyKeys.clear();
    readyKeys.set(name, made);
  }
  return made;
}
