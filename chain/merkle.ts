/**
 * The Merkle tree of RFC 6962, section 2.1: its two hashes, its root over a list ({@linkcode merkleRoot}), and its root
 * from a count and a few hashes ({@linkcode append}), for an actor that must stay small. The tree that keeps everything
 * and makes proofs is `merkle_tree.ts`; `merkle_proof.ts` checks them.
 *
 * @module
 */
import { type Bytes, sha256 } from "./hash.ts";

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** Root of the tree without leaves: H(""). */
export const EMPTY_ROOT: Bytes = sha256();

/** H(0x00 ‖ leaf). */
export function leafHash(leaf: Uint8Array): Bytes {
  return sha256(LEAF, leaf);
}

/** H(0x01 ‖ left ‖ right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return sha256(NODE, left, right);
}

/**
 * Root of the tree over `leaves`, in the order given.
 *
 * @param leaves Leaf data, any length each; not yet hashed.
 * @returns 32 bytes.
 *
 * @example The root over nothing
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.ok(merkleRoot([]).toHex().startsWith("e3b0c442"));
 * ```
 */
export function merkleRoot(leaves: Iterable<Uint8Array>): Bytes {
  let frontier: Frontier = [];
  let count = 0;
  for (const leaf of leaves) frontier = append(frontier, count++, leaf);
  return frontierRoot(frontier);
}

/** All that must be kept to go on appending: the roots (hex) of the complete subtrees, largest first. */
export type Frontier = readonly string[];

/**
 * Append one leaf to a tree of which only the frontier is kept.
 *
 * @param frontier Of the `count` leaves so far; `[]` for none.
 * @param count How many leaves there are already.
 * @param leaf Leaf data, not yet hashed.
 * @returns The new frontier: as many hashes as `count + 1` has one bits.
 */
export function append(
  frontier: Frontier,
  count: number,
  leaf: Uint8Array,
): Frontier {
  const kept = [...frontier];
  let hash = leafHash(leaf);
  for (let rest = count; rest % 2 === 1; rest = (rest - 1) / 2) {
    hash = nodeHash(Uint8Array.fromHex(kept.pop()!), hash);
  }
  return [...kept, hash.toHex()];
}

/**
 * Root of the tree that a frontier stands for.
 *
 * @param frontier As {@linkcode append} returned it.
 * @returns 32 bytes; equal to {@linkcode merkleRoot} over the same leaves.
 */
export function frontierRoot(frontier: Frontier): Bytes {
  if (frontier.length === 0) return EMPTY_ROOT;
  return frontier.map((hex) => Uint8Array.fromHex(hex)).reduceRight((
    right,
    left,
  ) => nodeHash(left, right));
}
