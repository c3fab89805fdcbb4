/**
 * Opening a sealed chunk with that one chunk's key. The order of the checks is the order of blame: a file that does
 * not match its leaf, or a wrong key, accuses whoever handed it over; a ciphertext that the committed key does not
 * open, or that does not unpack to what the leaf says, accuses the recorder.
 *
 * @module
 */
import { createDecipheriv } from "node:crypto";
import { FormatError, require } from "./error.ts";
import { type Bytes, sameBytes, sha256 } from "./hash.ts";
import {
  chunkAad,
  type ChunkLeaf,
  keyCommit,
  segmentRoot,
  TAG_BYTES,
} from "./leaf.ts";
import { unpack } from "./unpack.ts";

/** AES-GCM's nonce: zero, because no chunk key is used twice. */
const NONCE: Bytes = new Uint8Array(12);

/** A sealed chunk and what is needed to read it. */
export interface SealedChunk {
  readonly leaf: ChunkLeaf;
  /** The sealed bytes, tag at the end. */
  readonly sealed: Uint8Array;
  /** 32 bytes. */
  readonly chunkKey: Uint8Array;
  /** The node key of the recorder's node. */
  readonly recorderKey: Uint8Array;
  /** ULID. */
  readonly sessionId: string;
}

/**
 * The plain bytes of a sealed chunk.
 *
 * @throws {FormatError} Saying which of the checks failed.
 */
export function openChunk(chunk: SealedChunk): Bytes {
  checkSealed(chunk);
  checkSegments(chunk);
  checkKey(chunk);
  return unpack(decrypt(chunk), chunk.leaf);
}

/** Refuse sealed bytes that are not the ones the leaf speaks of. */
export function checkSealed(
  { leaf, sealed }: Pick<SealedChunk, "leaf" | "sealed">,
): void {
  const what = `Cannot use these bytes as chunk ${leaf.index}`;
  require(
    sealed.length === leaf.sealedBytes,
    `${what}: there are ${sealed.length}, the leaf says ${leaf.sealedBytes}`,
  );
  require(
    sameBytes(sha256(sealed), leaf.sealedHash),
    `${what}: their SHA-256 is not the one in the leaf`,
  );
}

/** Refuse a leaf whose segment root is not over its sealed bytes: storage challenges could never be answered. */
export function checkSegments(
  { leaf, sealed }: Pick<SealedChunk, "leaf" | "sealed">,
): void {
  require(
    sameBytes(segmentRoot(sealed), leaf.segmentRoot),
    `Cannot use chunk ${leaf.index}: its segment root is not the one in the leaf`,
  );
}

/** Refuse a key that the leaf does not commit to. */
export function checkKey(
  { leaf, chunkKey }: Pick<SealedChunk, "leaf" | "chunkKey">,
): void {
  require(
    chunkKey.length === 32 && sameBytes(keyCommit(chunkKey), leaf.keyCommit),
    `Cannot open chunk ${leaf.index}: this is not the key its leaf commits to`,
  );
}

/**
 * Undo AES-256-GCM.
 *
 * @returns The packed bytes, yet to be unpacked.
 * @throws {FormatError} If the tag does not fit key, place and ciphertext.
 */
export function decrypt(
  { leaf, sealed, chunkKey, recorderKey, sessionId }: SealedChunk,
): Bytes {
  const { index, codec } = leaf;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv("aes-256-gcm", chunkKey, NONCE);
  decipher.setAAD(chunkAad({ recorderKey, sessionId, index, codec }));
  decipher.setAuthTag(sealed.subarray(end));
  // One update: in pieces, Deno's cipher has given wrong bytes (denoland/deno#25260).
  const packed = new Uint8Array(decipher.update(sealed.subarray(0, end)));
  try {
    decipher.final();
  } catch {
    throw new FormatError(
      `Cannot decrypt chunk ${index}: the ciphertext was not made with this key for this recorder, session and position`,
    );
  }
  return packed;
}
