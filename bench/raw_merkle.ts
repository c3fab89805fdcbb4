/**
 * The baseline of Merkle trees: the platform's SHA-256, one call a node, over one flat buffer that every level halves.
 *
 * @module
 */
import { hash } from "node:crypto";

const HASH_BYTES = 32;

/** Root over `count` leaves, a power of two, each made by `leafAt`. */
export function rawRoot(
  count: number,
  leafAt: (index: number) => Uint8Array,
): Uint8Array {
  const hashes = new Uint8Array(count * HASH_BYTES);
  const leaf = new Uint8Array(1 + leafAt(0).length);
  for (let index = 0; index < count; index++) {
    leaf.set(leafAt(index), 1);
    hashes.set(hash("sha256", leaf, "buffer"), index * HASH_BYTES);
  }
  const node = new Uint8Array(1 + 2 * HASH_BYTES);
  node[0] = 1;
  for (let width = count / 2; width >= 1; width /= 2) {
    for (let index = 0; index < width; index++) {
      const at = index * 2 * HASH_BYTES;
      node.set(hashes.subarray(at, at + 2 * HASH_BYTES), 1);
      hashes.set(hash("sha256", node, "buffer"), index * HASH_BYTES);
    }
  }
  return hashes.slice(0, HASH_BYTES);
}
