/**
 * The answer to a VNC server's challenge (RFC 6143, 7.2.2): two blocks of single DES. It is a lock
 * on the inner door only; the socket's file mode is the outer one.
 *
 * @module
 */
import { createCipheriv } from "node:crypto";

/** Longest password that VncAuth looks at. */
const PASSWORD_BYTES = 8;

/** A challenge is two DES blocks. */
export const CHALLENGE_BYTES = 16;

const BLOCK_BYTES = 8;

/**
 * Answer a challenge.
 *
 * @param challenge The 16 bytes that the server drew.
 * @param password Only its first 8 bytes count, as everywhere in VNC.
 * @returns The 16 bytes to send back.
 */
export function answerChallenge(
  challenge: Uint8Array,
  password: string,
): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(BLOCK_BYTES);
  key.set(new TextEncoder().encode(password).subarray(0, PASSWORD_BYTES));
  // VNC reads the bits of each key byte from the other end; everybody has had to follow.
  const mirrored = key.map(mirror);
  const answer = new Uint8Array(CHALLENGE_BYTES);
  for (let at = 0; at < CHALLENGE_BYTES; at += BLOCK_BYTES) {
    answer.set(des(mirrored, challenge.subarray(at, at + BLOCK_BYTES)), at);
  }
  return answer;
}

/** One block of single DES: triple DES under three equal keys, the only DES that Deno carries. */
export function des(key: Uint8Array, block: Uint8Array): Uint8Array {
  const tripled = new Uint8Array([...key, ...key, ...key]);
  const cipher = createCipheriv(
    "des-ede3-cbc",
    tripled,
    new Uint8Array(BLOCK_BYTES),
  ).setAutoPadding(false);
  const encrypted = cipher.update(block);
  cipher.final(); // frees it
  return encrypted;
}

function mirror(byte: number): number {
  let mirrored = 0;
  for (let bit = 0; bit < 8; bit++) {
    mirrored |= ((byte >> bit) & 1) << (7 - bit);
  }
  return mirrored;
}
