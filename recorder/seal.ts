/**
 * Sealing one chunk: pack, draw a salt, derive a key that is used this once, encrypt, and write the
 * leaf that commits to all of it. Bytes are decided in `chain/leaf.ts`; this file does the work.
 *
 * @module
 */
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { type Bytes, sha256 } from "../chain/hash.ts";
import {
  chunkAad,
  type ChunkPlace,
  type Codec,
  CODECS,
  deriveChunkKey,
  encodeLeaf,
  keyCommit,
  segmentRoot,
} from "../chain/leaf.ts";

/** How the caller wants chunks packed: what fits each chunk best, or gzip for readers that know nothing newer. */
export type Packing = "auto" | "gzip";

/** One chunk, complete and in the clear. */
export interface PlainChunk extends ChunkPlace {
  /** 32 bytes, the session's own. */
  readonly sessionKey: Uint8Array;
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** Not before `startMs`. */
  readonly endMs: number;
  /** At most 10 MiB. Handed over while it is sealed and stored; given back, in place, if that fails. */
  plain: Bytes;
  /** How to pack it. */
  readonly packing: Packing;
}

/** One chunk as it is stored. */
export interface SealedPair {
  /** The leaf's bytes. */
  readonly leaf: Bytes;
  /** Ciphertext, tag at the end. */
  readonly sealed: Bytes;
}

/** A probe: three samples tell video-like data from text in 0.1 ms. */
const SAMPLE_BYTES = 16 * 1024;

/** Samples that shrink to no less than this share are not worth packing: zlib inside ZRLE has done it already. */
const STORED_ABOVE = 0.95;

/** Level 1 is twice as fast as 3 and 2 % larger on text. */
const ZSTD_LEVEL = 1;

/** gzip's own default; the level that the format's users expect. */
const GZIP_LEVEL = 6;

const SALT_BYTES = 32;

/** Zero, because no chunk key is used twice: each attempt draws its own salt. */
const NONCE: Bytes = new Uint8Array(12);

/**
 * Seal a chunk. Each call draws a fresh salt and so a fresh key, also when the same chunk is sealed
 * again after a crash.
 *
 * @throws {FormatError} If the chunk breaks a bound of the leaf's format.
 */
export async function sealChunk(chunk: PlainChunk): Promise<SealedPair> {
  const { index, startMs, endMs, plain } = chunk;
  const { codec, packed } = pack(plain, chunk.packing);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const chunkKey = deriveChunkKey(chunk, {
    sessionKey: chunk.sessionKey,
    salt,
  });
  const commitment = keyCommit(chunkKey);
  const sealed = await encrypt(packed, {
    chunkKey,
    aad: chunkAad({ ...chunk, codec }),
  });
  chunkKey.fill(0);
  const leaf = encodeLeaf({
    kind: "chunk",
    index,
    startMs,
    endMs,
    codec,
    plainBytes: plain.length,
    sealedBytes: sealed.length,
    sealedHash: sha256(sealed),
    segmentRoot: segmentRoot(sealed),
    salt,
    keyCommit: commitment,
  });
  return { leaf, sealed };
}

/** The smaller of the bytes as they are and the bytes packed, without trying hard where a probe says it is vain. */
export function pack(
  plain: Bytes,
  packing: Packing,
): { readonly codec: Codec; readonly packed: Bytes } {
  if (packing === "gzip") {
    return {
      codec: CODECS.gzip,
      packed: gzipSync(plain, { level: GZIP_LEVEL }) as Bytes,
    };
  }
  if (isDense(plain)) return { codec: CODECS.stored, packed: plain };
  const packed = zstd(plain);
  return packed.length < plain.length
    ? { codec: CODECS.zstd, packed }
    : { codec: CODECS.stored, packed: plain };
}

function isDense(plain: Bytes): boolean {
  const places = [0, plain.length / 2, plain.length].map((at) =>
    Math.max(0, Math.min(Math.floor(at), plain.length - SAMPLE_BYTES))
  );
  const samples = places.map((at) => plain.subarray(at, at + SAMPLE_BYTES));
  const before = samples.reduce((sum, sample) => sum + sample.length, 0);
  const after = samples.reduce((sum, sample) => sum + zstd(sample).length, 0);
  return after >= STORED_ABOVE * before;
}

function zstd(bytes: Uint8Array): Bytes {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  return zstdCompressSync(bytes, { params }) as Bytes;
}

async function encrypt(
  packed: Bytes,
  { chunkKey, aad }: { readonly chunkKey: Bytes; readonly aad: Bytes },
): Promise<Bytes> {
  // WebCrypto, not createCipheriv: on Deno that is four times slower for bulk.
  const key = await crypto.subtle.importKey("raw", chunkKey, "AES-GCM", false, [
    "encrypt",
  ]);
  return new Uint8Array(
    await crypto.subtle.encrypt(
      { name: "AES-GCM", iv: NONCE, additionalData: aad },
      key,
      packed,
    ),
  );
}
