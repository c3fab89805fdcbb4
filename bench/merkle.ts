/**
 * The tree over the whole log: a million entries appended, and the root.
 *
 * @module
 */
import assert from "node:assert/strict";
import { MerkleTree } from "../chain/merkle_tree.ts";
import { type Figure, figureOf } from "./figure.ts";
import { compare } from "./measure.ts";
import { rawRoot } from "./raw_merkle.ts";

const LEAVES = 2 ** 20;
/** The baseline takes three times as long as we do: of so many parts it does one. */
const PARTS = 8;

/** Seconds for 2^20 leaves of 32 bytes. */
export async function merkleFigures(): Promise<readonly Figure[]> {
  assert.deepEqual(treeRoot(1_024), Uint8Array.from(rawRoot(1_024, leafAt)));
  const { seconds } = await compare({
    ours: () => timed(() => treeRoot(LEAVES)),
    baseline: () => {
      const { seconds } = timed(() => rawRoot(LEAVES / PARTS, leafAt));
      return { seconds: PARTS * seconds };
    },
  });
  return [figureOf({
    figure: "Merkle tree of 2^20 leaves",
    unit: "s",
    against:
      "node:crypto, one call a node, over a flat buffer (an eighth of it, times eight)",
    pair: seconds,
    bar: { of: "ours", is: "≤", limit: 5 },
  })];
}

function treeRoot(count: number): Uint8Array {
  const tree = new MerkleTree();
  for (let index = 0; index < count; index++) tree.append(leafAt(index));
  return tree.root();
}

const leaf = new Uint8Array(32);
const number = new DataView(leaf.buffer);

function leafAt(index: number): Uint8Array {
  number.setUint32(0, index);
  return leaf;
}

function timed(work: () => unknown): { readonly seconds: number } {
  const began = performance.now();
  work();
  return { seconds: (performance.now() - began) / 1_000 };
}
