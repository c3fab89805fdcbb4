/**
 * Checking Merkle paths, with nothing at hand but the path and the roots (RFC 9162, sections 2.1.3.2 and 2.1.4.2).
 *
 * @module
 */
import { require } from "./error.ts";
import { HASH_BYTES, sameBytes } from "./hash.ts";
import { nodeHash } from "./merkle.ts";

/** Hashes in one path: a log or session of 2^53 leaves needs no more. */
const PATH_HASHES_MAX = 64;

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
  let [node, last] = [oldCount - 1, newCount - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  // At 0 the old count is a power of two: its root is a node of the new tree, and no path repeats it.
  const first = node === 0 ? oldRoot : siblings.shift()!;
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

function isIndex(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function hashesOf(path: Uint8Array): Uint8Array[] {
  return Array.from(
    { length: path.length / HASH_BYTES },
    (_, at) => path.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  );
}

/** Refuse bytes that cannot be a path. `what` begins the sentence: "Cannot anchor session …". */
export function checkPath(path: Uint8Array, what: string): void {
  require(
    path.length % HASH_BYTES === 0 &&
      path.length <= PATH_HASHES_MAX * HASH_BYTES,
    `${what}: a path of ${path.length} bytes is none`,
  );
}
