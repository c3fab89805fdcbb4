/**
 * Leaves as a session sees them: read from hex, counted, kept as rows.
 *
 * @module
 */
import type { Row } from "@lucid/runtime";
import { decodeLeaf, type Leaf } from "../../chain/leaf.ts";

/** The leaf that `hex` stands for, or undefined where it stands for none. */
export function readLeaf(hex: string): Leaf | undefined {
  try {
    return decodeLeaf(Uint8Array.fromHex(hex));
  } catch {
    return undefined;
  }
}

/** Bytes of ciphertext that a leaf stands for; a gap stands for none. */
export function sealedBytesOf(leaf: Leaf): number {
  return leaf.kind === "chunk" ? leaf.sealedBytes : 0;
}

/** The record of one chunk or gap, as a list endpoint shows it. */
export function chunkRow(id: string, leaf: Leaf, hex: string): Row {
  const common = {
    chunk_id: `${id}-${leaf.index}`,
    session_id: id,
    sequence_number: leaf.index,
    started_at: leaf.startMs,
    ended_at: leaf.endMs,
    leaf: hex,
  };
  const value = leaf.kind === "gap"
    ? { ...common, status: "gap", reason: leaf.reason }
    : {
      ...common,
      status: "stored",
      codec: leaf.codec,
      plain_bytes: leaf.plainBytes,
      size_bytes: leaf.sealedBytes,
      sha256: leaf.sealedHash.toHex(),
    };
  return { table: "chunks", key: rowKey(id, leaf.index), value };
}

/** Keys of one session's rows sort as their indexes do. */
function rowKey(id: string, index: number): string {
  return `${id}/${String(index).padStart(7, "0")}`;
}
