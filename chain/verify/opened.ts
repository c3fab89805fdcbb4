/**
 * Steps "chunk" to "decode", for who has the sealed chunk, and perhaps its key.
 *
 * @module
 */
import type { Anchor } from "../anchor.ts";
import { require } from "../error.ts";
import type { Bytes } from "../hash.ts";
import type { ChunkLeaf, Leaf } from "../leaf.ts";
import {
  checkKey,
  checkSealed,
  checkSegments,
  decrypt,
} from "../open_chunk.ts";
import type { Proof } from "../proof.ts";
import { unpack } from "../unpack.ts";
import type { Steps, Verdict } from "./steps.ts";

/** A chunk and its place. */
export interface Opened {
  readonly proof: Proof;
  readonly leaf: Leaf;
  readonly anchor: Anchor;
  /** The sealed bytes. */
  readonly chunk: Uint8Array;
  readonly key: Uint8Array | undefined;
}

/**
 * Check a sealed chunk and, with its key, open it.
 *
 * @returns The plain bytes; nothing without a key.
 */
export function openStepwise(
  steps: Steps,
  { proof, leaf: shown, anchor, chunk: sealed, key }: Opened,
): Bytes | undefined {
  const leaf = steps.take("chunk", () => checkChunk(shown, sealed));
  steps.take("segments", () => {
    checkSegments({ leaf, sealed });
    return [undefined, "So is each 16 KiB segment of them"];
  });
  if (key === undefined) return undefined;
  const { recorderKey } = anchor;
  const { sessionId } = proof;
  const whole = { leaf, sealed, chunkKey: key, recorderKey, sessionId };
  steps.take("key", () => {
    checkKey(whole);
    return [undefined, "This is the key the recorder committed to"];
  });
  const packed = steps.take(
    "decrypt",
    () => [decrypt(whole), "It opens the chunk, in this session and position"],
  );
  return steps.take("decode", () => {
    const plain = unpack(packed, leaf);
    return [plain, `Unpacked to exactly ${plain.length} bytes`];
  });
}

function checkChunk(leaf: Leaf, sealed: Uint8Array): Verdict<ChunkLeaf> {
  require(
    leaf.kind === "chunk",
    "Cannot check a chunk: the leaf is a gap, where nothing was recorded",
  );
  checkSealed({ leaf, sealed });
  return [
    leaf,
    `These ${sealed.length} sealed bytes are the ones that were anchored`,
  ];
}
