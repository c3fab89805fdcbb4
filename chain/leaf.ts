/**
 * The leaves of a recording: one for each chunk, and one for each gap, an interval that nobody recorded. A leaf
 * binds a chunk's ciphertext, its times and its key; the root over all leaves of a session is what the log anchors.
 *
 * @module
 */
import { hkdfSync } from "node:crypto";
import {
  asArray,
  asBytes,
  asInteger,
  asText,
  decode,
  encode,
  type Value,
} from "./canonical.ts";
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES, join, sha256, tag, u32, u8 } from "./hash.ts";
import { merkleRoot } from "./merkle.ts";
import { ulidBytes } from "./ulid.ts";

/** Plain bytes of one chunk. 10 MiB is 8 s of 1080p at 10 Mbit/s; a larger one would delay the next anchor. */
export const PLAIN_BYTES_MAX = 10 * 1024 * 1024;

/** Sealed bytes of one chunk: what a codec that fails to shrink 10 MiB may add, and the tag. */
export const SEALED_BYTES_MAX = PLAIN_BYTES_MAX + 64 * 1024;

/** The tag at the end of AES-GCM. */
export const TAG_BYTES = 16;

/** Ciphertext under one leaf of the segment tree: what a storage challenge has to send. */
export const SEGMENT_BYTES = 16 * 1024;

/** UTF-8 bytes of a gap's reason: a phrase, not an essay. */
const REASON_BYTES_MAX = 64;

/** How a chunk's plain bytes were packed before encryption. */
export const CODECS = { stored: 0, zstd: 1, gzip: 2 } as const;

/** One of {@linkcode CODECS}. */
export type Codec = (typeof CODECS)[keyof typeof CODECS];

/** A recorded interval. */
export interface ChunkLeaf {
  readonly kind: "chunk";
  /** The leaf's position in its session, from 0; gaps take a position too. */
  readonly index: number;
  /** Milliseconds since the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly codec: Codec;
  readonly plainBytes: number;
  readonly sealedBytes: number;
  /** SHA-256 of the ciphertext, so that `sha256sum` can check a file. */
  readonly sealedHash: Bytes;
  /** As {@linkcode segmentRoot} gives it. */
  readonly segmentRoot: Bytes;
  /** 32 random bytes, drawn for this attempt to encrypt. */
  readonly salt: Bytes;
  /** As {@linkcode keyCommit} gives it. */
  readonly keyCommit: Bytes;
}

/** An interval that nobody recorded. */
export interface GapLeaf {
  readonly kind: "gap";
  readonly index: number;
  readonly startMs: number;
  readonly endMs: number;
  /** 1–64 bytes of printable UTF-8. */
  readonly reason: string;
}

/** One leaf of a session's tree. */
export type Leaf = ChunkLeaf | GapLeaf;

/**
 * The bytes of a leaf.
 *
 * @throws {FormatError} If a bound of the format does not hold.
 */
export function encodeLeaf(leaf: Leaf): Bytes {
  checkLeaf(leaf);
  const span: Value[] = [leaf.index, leaf.startMs, leaf.endMs];
  if (leaf.kind === "gap") return encode([2, ...span, leaf.reason]);
  const {
    codec,
    plainBytes,
    sealedBytes,
    sealedHash,
    segmentRoot,
    salt,
    keyCommit,
  } = leaf;
  return encode([
    1,
    ...span,
    codec,
    plainBytes,
    sealedBytes,
    sealedHash,
    segmentRoot,
    salt,
    keyCommit,
  ]);
}

/**
 * Read a leaf.
 *
 * @throws {FormatError} If the bytes are not exactly one leaf, or a bound of the format does not hold.
 */
export function decodeLeaf(bytes: Uint8Array): Leaf {
  const items = asArray(decode(bytes), "a leaf");
  const kind = items[0];
  require(
    kind === 1 || kind === 2,
    "Cannot read a leaf: it is neither a chunk nor a gap",
  );
  asArray(items, "a leaf", kind === 1 ? 11 : 5);
  const span = {
    index: asInteger(items[1], "index of a leaf"),
    startMs: asInteger(items[2], "startMs of a leaf"),
    endMs: asInteger(items[3], "endMs of a leaf"),
  };
  const leaf: Leaf = kind === 2
    ? { kind: "gap", ...span, reason: asText(items[4], "reason of a gap") }
    : {
      kind: "chunk",
      ...span,
      codec: asInteger(items[4], "codec of a leaf") as Codec,
      plainBytes: asInteger(items[5], "plainLen of a leaf"),
      sealedBytes: asInteger(items[6], "ctLen of a leaf"),
      sealedHash: asBytes(
        items[7],
        "the hash of a leaf's ciphertext",
        HASH_BYTES,
      ),
      segmentRoot: asBytes(items[8], "segRoot of a leaf", HASH_BYTES),
      salt: asBytes(items[9], "salt of a leaf", HASH_BYTES),
      keyCommit: asBytes(items[10], "keyCommit of a leaf", HASH_BYTES),
    };
  checkLeaf(leaf);
  return leaf;
}

function checkLeaf(leaf: Leaf): void {
  const what = `Cannot use leaf ${leaf.index}`;
  require(leaf.index <= 0xffff_ffff, `${what}: an index has 32 bits`);
  require(leaf.startMs <= leaf.endMs, `${what}: it ends before it starts`);
  if (leaf.kind === "gap") {
    require(
      isReason(leaf.reason),
      `${what}: its reason is not 1–${REASON_BYTES_MAX} bytes of printable text`,
    );
    return;
  }
  const { codec, plainBytes, sealedBytes } = leaf;
  require(
    Object.values(CODECS).includes(codec),
    `${what}: codec ${codec} is not known`,
  );
  require(
    plainBytes <= PLAIN_BYTES_MAX,
    `${what}: ${plainBytes} plain bytes are more than ${PLAIN_BYTES_MAX}`,
  );
  require(
    sealedBytes >= TAG_BYTES && sealedBytes <= SEALED_BYTES_MAX,
    `${what}: ${sealedBytes} sealed bytes are not ${TAG_BYTES} to ${SEALED_BYTES_MAX}`,
  );
  require(
    codec !== CODECS.stored || sealedBytes === plainBytes + TAG_BYTES,
    `${what}: stored as it is, ${plainBytes} bytes seal to ${
      plainBytes + TAG_BYTES
    }, not ${sealedBytes}`,
  );
}

/**
 * Whether a text can say why an interval was not recorded: no control characters, no line or paragraph separator,
 * no mark that turns the reading direction. The list is spelled out because Unicode's own classes grow.
 */
export function isReason(text: string): boolean {
  const count = new TextEncoder().encode(text).length;
  return text.isWellFormed() && count >= 1 && count <= REASON_BYTES_MAX &&
    // deno-lint-ignore no-control-regex
    !/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/
      .test(text);
}

/** Where a chunk belongs: whose node recorded it, in which session, at which position. */
export interface ChunkPlace {
  /** The node key of the recorder's node, 32 bytes. */
  readonly recorderKey: Uint8Array;
  /** ULID. */
  readonly sessionId: string;
  readonly index: number;
}

/** What the chunk's key is derived for: the `info` of HKDF. */
export function chunkInfo(place: ChunkPlace): Bytes {
  return join(tag("lucid/chunk/v1"), placeBytes(place));
}

/** What the ciphertext is bound to: the additional data of AES-GCM. */
export function chunkAad(place: ChunkPlace & { readonly codec: Codec }): Bytes {
  return join(tag("lucid/aad/v1"), placeBytes(place), u8(place.codec));
}

function placeBytes({ recorderKey, sessionId, index }: ChunkPlace): Bytes {
  return join(recorderKey, ulidBytes(sessionId), u32(index));
}

/**
 * The key of one attempt to encrypt one chunk (HKDF-SHA256, RFC 5869).
 *
 * @param place Where the chunk belongs.
 * @param options `sessionKey`: 32 bytes; `salt`: 32 random bytes, drawn anew for every attempt.
 * @returns 32 bytes. Used once, so the nonce of AES-GCM may be zero.
 */
export function deriveChunkKey(
  place: ChunkPlace,
  { sessionKey, salt }: {
    readonly sessionKey: Uint8Array;
    readonly salt: Uint8Array;
  },
): Bytes {
  return new Uint8Array(
    hkdfSync("sha256", sessionKey, salt, chunkInfo(place), 32),
  );
}

/** What a leaf says of its key: AES-GCM alone would let one ciphertext open under two keys. */
export function keyCommit(chunkKey: Uint8Array): Bytes {
  return sha256(tag("lucid/chunk-key/v1"), chunkKey);
}

/** RFC 6962 root over a ciphertext cut into segments of 16 KiB, the last one shorter. */
export function segmentRoot(sealed: Uint8Array): Bytes {
  const count = Math.ceil(sealed.length / SEGMENT_BYTES);
  return merkleRoot(
    Array.from(
      { length: count },
      (_, at) => sealed.subarray(at * SEGMENT_BYTES, (at + 1) * SEGMENT_BYTES),
    ),
  );
}
