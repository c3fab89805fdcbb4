/**
 * The Merkle tree of RFC 6962, section 2.1, three times: over a list ({@linkcode merkleRoot}), over a count and a few
 * hashes ({@linkcode append}, for an actor that must stay small), and over everything, so that proofs can be made
 * ({@linkcode MerkleTree}). The checks of proofs follow RFC 9162, sections 2.1.3.2 and 2.1.4.2.
 *
 * A path is the sibling hashes from the leaf upwards, concatenated; it has exactly the length it must have.
 *
 * @module
 */
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES, sameBytes, sha256 } from "./hash.ts";

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

/**
 * Every hash of a growing tree in flat buffers, one a level: roots at any count and both kinds of proof.
 * 1 M leaves take 64 MB.
 */
export class MerkleTree {
  /** Level k holds the roots of the complete subtrees of 2^k leaves. */
  readonly #levels: Level[] = [];

  /** How many leaves there are. */
  get count(): number {
    return this.#levels[0]?.count ?? 0;
  }

  /** Append one leaf, not yet hashed. */
  append(leaf: Uint8Array): void {
    this.appendHash(leafHash(leaf));
  }

  /** Append one leaf of which only the hash is at hand. */
  appendHash(hash: Uint8Array): void {
    for (let height = 0;; height++) {
      const level = this.#levels[height] ??= new Level();
      const left = level.last;
      level.push(hash);
      if (level.count % 2 === 1) return;
      hash = nodeHash(left, hash);
    }
  }

  /** Root over the first `count` leaves; over all of them if not given. */
  root(count: number = this.count): Bytes {
    require(
      count >= 0 && count <= this.count,
      `Cannot take the root of ${count} leaves: there are ${this.count}`,
    );
    return count === 0 ? EMPTY_ROOT : this.#subtree(0, count);
  }

  /** The hash of one leaf. */
  leafHash(index: number): Bytes {
    require(
      index >= 0 && index < this.count,
      `Cannot find leaf ${index}: there are ${this.count}`,
    );
    return this.#levels[0]!.at(index);
  }

  /**
   * That leaf `index` is in the tree over the first `count` leaves (RFC 9162, section 2.1.3.1).
   *
   * @throws {FormatError} Unless index < count ≤ the leaves there are.
   */
  path(index: number, count: number = this.count): Bytes {
    require(
      index >= 0 && index < count && count <= this.count,
      `Cannot prove leaf ${index} of ${count}: there are ${this.count}`,
    );
    const siblings: Bytes[] = [];
    let [start, end] = [0, count];
    while (end - start > 1) {
      const middle = start + split(end - start);
      if (index < middle) {
        siblings.push(this.#subtree(middle, end));
        end = middle;
      } else {
        siblings.push(this.#subtree(start, middle));
        start = middle;
      }
    }
    return concatenate(siblings.reverse());
  }

  /**
   * That the tree over `newCount` leaves begins with the one over `oldCount` (RFC 9162, section 2.1.4.1).
   *
   * @throws {FormatError} Unless 0 < oldCount ≤ newCount ≤ the leaves there are.
   */
  consistency(oldCount: number, newCount: number = this.count): Bytes {
    require(
      oldCount > 0 && oldCount <= newCount && newCount <= this.count,
      `Cannot prove that ${newCount} leaves begin with ${oldCount}: there are ${this.count}`,
    );
    const siblings: Bytes[] = [];
    let [start, end] = [0, newCount];
    while (end !== oldCount) {
      const middle = start + split(end - start);
      if (oldCount <= middle) {
        siblings.push(this.#subtree(middle, end));
        end = middle;
      } else {
        siblings.push(this.#subtree(start, middle));
        start = middle;
      }
    }
    // The verifier knows the old root, and that is this very subtree when it begins at the first leaf.
    if (start > 0) siblings.push(this.#subtree(start, end));
    return concatenate(siblings.reverse());
  }

  /** Root over leaves start … end − 1, where `start` is a multiple of the power of two ≥ end − start. */
  #subtree(start: number, end: number): Bytes {
    let root: Bytes | undefined;
    // From the last leaf backwards: the complete subtrees that make up [start, end), smallest first.
    while (end > start) {
      const width = lowestBit(end - start);
      const complete = this.#levels[Math.log2(width)]!.at(
        (end - width) / width,
      );
      root = root === undefined ? complete : nodeHash(complete, root);
      end -= width;
    }
    return root!;
  }
}

/** One growing row of hashes. */
class Level {
  #hashes = new Uint8Array(16 * HASH_BYTES);
  count = 0;
  /** The newest hash, at hand for the node above it: reading it back would cost a sixth of an append. */
  last: Uint8Array = EMPTY_ROOT;

  push(hash: Uint8Array): void {
    const at = this.count * HASH_BYTES;
    if (at === this.#hashes.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes.set(hash, at);
    this.last = hash;
    this.count++;
  }

  at(index: number): Bytes {
    return this.#hashes.slice(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }
}

/** What an inclusion path claims. */
export interface Inclusion {
  /** H(0x00 ‖ leaf). */
  readonly hash: Uint8Array;
  readonly index: number;
  /** Leaves in the tree. */
  readonly count: number;
  readonly path: Uint8Array;
  readonly root: Uint8Array;
}

/** Whether a path proves that a leaf is in a tree (RFC 9162, section 2.1.3.2). */
export function provesInclusion(
  { hash, index, count, path, root }: Inclusion,
): boolean {
  if (
    !isIndex(index) || !isIndex(count) || index >= count ||
    path.length % HASH_BYTES !== 0
  ) return false;
  let [node, last, reached] = [index, count - 1, hash];
  for (const sibling of hashesOf(path)) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      reached = nodeHash(sibling, reached);
      while (node % 2 === 0 && node !== 0) {
        [node, last] = [node / 2, half(last)];
      }
    } else {
      reached = nodeHash(reached, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && sameBytes(reached, root);
}

/** What a consistency path claims. */
export interface Consistency {
  readonly oldCount: number;
  readonly oldRoot: Uint8Array;
  readonly newCount: number;
  readonly newRoot: Uint8Array;
  readonly path: Uint8Array;
}

/** Whether a path proves that one tree begins with another (RFC 9162, section 2.1.4.2). From size 0: never. */
export function provesConsistency(
  { oldCount, oldRoot, newCount, newRoot, path }: Consistency,
): boolean {
  if (
    !isIndex(oldCount) || !isIndex(newCount) || oldCount === 0 ||
    oldCount > newCount
  ) return false;
  if (oldCount === newCount) {
    return path.length === 0 && sameBytes(oldRoot, newRoot);
  }
  if (path.length === 0 || path.length % HASH_BYTES !== 0) return false;
  const siblings = hashesOf(path);
  const first = lowestBit(oldCount) === oldCount ? oldRoot : siblings.shift()!;
  let [node, last] = [oldCount - 1, newCount - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [reachedOld, reachedNew] = [first, first];
  for (const sibling of siblings) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      reachedOld = nodeHash(sibling, reachedOld);
      reachedNew = nodeHash(sibling, reachedNew);
      while (node % 2 === 0 && node !== 0) {
        [node, last] = [node / 2, half(last)];
      }
    } else {
      reachedNew = nodeHash(reachedNew, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && sameBytes(reachedOld, oldRoot) &&
    sameBytes(reachedNew, newRoot);
}

// Arithmetic instead of shifts throughout: a log may outgrow 2^31 entries.

function half(value: number): number {
  return Math.floor(value / 2);
}

/** The largest power of two below `count` (count ≥ 2): where a tree splits. */
function split(count: number): number {
  let width = 1;
  while (2 * width < count) width *= 2;
  return width;
}

function lowestBit(value: number): number {
  let bit = 1;
  while (value % (2 * bit) === 0) bit *= 2;
  return bit;
}

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function hashesOf(path: Uint8Array): Uint8Array[] {
  return Array.from(
    { length: path.length / HASH_BYTES },
    (_, at) => path.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}

function concatenate(hashes: readonly Uint8Array[]): Bytes {
  const path = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, at) => path.set(hash, at * HASH_BYTES));
  return path;
}
