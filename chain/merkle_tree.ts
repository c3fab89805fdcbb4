/**
 * A Merkle tree that keeps every hash, and so can prove anything about its leaves: that one is among them, and that
 * the log of today begins with that of yesterday.
 *
 * A path is the sibling hashes from the leaf upwards, concatenated; it has exactly the length it must have.
 *
 * @module
 */
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES } from "./hash.ts";
import { EMPTY_ROOT, leafHash, nodeHash } from "./merkle.ts";

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

// Arithmetic instead of shifts throughout: a log may outgrow 2^31 entries.

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

function concatenate(hashes: readonly Uint8Array[]): Bytes {
  const path = new Uint8Array(hashes.length * HASH_BYTES);
  hashes.forEach((hash, at) => path.set(hash, at * HASH_BYTES));
  return path;
}
