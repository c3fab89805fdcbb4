/**
 * The final anchor: the entry (type 1) that closes one session. It holds root and count of the session's leaves, its
 * times, and its owner under a commitment.
 *
 * @module
 */
import { asArray, asBytes, asInteger, type Value } from "./canonical.ts";
import {
  type Entry,
  ENTRY_TYPES,
  type EntryTerms,
  signedBody,
  signEntry,
  type Signer,
} from "./entry.ts";
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES, sameBytes, sha256, tag } from "./hash.ts";
import { SEALED_BYTES_MAX, TAG_BYTES } from "./leaf.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import { checkPath } from "./merkle_proof.ts";
import { ULID_BYTES, ulidBytes, ulidText } from "./ulid.ts";

const FINAL_KEYS: readonly number[] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/** The last word on a session. */
export interface FinalAnchor {
  readonly kind: "final";
  /** ULID. */
  readonly sessionId: string;
  /** As {@linkcode ownerCommit} gives it. */
  readonly ownerCommit: Bytes;
  /** Root over the session's leaves. */
  readonly root: Bytes;
  readonly leafCount: number;
  /** How many of the leaves are gaps. */
  readonly gapCount: number;
  /** Sealed bytes of all chunks together. */
  readonly sealedBytes: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** SHA-256 of the manifest. */
  readonly manifestHash: Bytes;
  /** SHA-256 of the policy, zeros if there is none. */
  readonly policyHash: Bytes;
  /** The session's last interim entry and the consistency path from its row; absent if there was none. */
  readonly lastInterim?: { readonly index: number; readonly path: Bytes };
}

/**
 * What an anchor says of a session's owner: the public log names nobody, and the manifest holds the salt.
 *
 * @param ownerId The owner's id, as text.
 * @param salt 32 random bytes.
 */
export function ownerCommit(ownerId: string, salt: Uint8Array): Bytes {
  return sha256(tag("lucid/owner/v1"), salt, new TextEncoder().encode(ownerId));
}

/**
 * Sign and encode a final anchor (type 1).
 *
 * @param recorder The node key of the recorder's node.
 * @throws {FormatError} If a bound of the format does not hold.
 */
export function encodeFinalAnchor(
  anchor: Omit<FinalAnchor, "kind">,
  { chainId, expiryHeight }: EntryTerms,
  recorder: Signer,
): Bytes {
  checkFinal(anchor);
  const { lastInterim } = anchor;
  const fields: [number, Value][] = [
    [10, ulidBytes(anchor.sessionId)],
    [11, anchor.ownerCommit],
    [12, anchor.root],
    [13, anchor.leafCount],
    [14, anchor.gapCount],
    [15, anchor.sealedBytes],
    [16, anchor.startedAtMs],
    [17, anchor.endedAtMs],
    [18, anchor.manifestHash],
    [19, anchor.policyHash],
  ];
  if (lastInterim !== undefined) {
    fields.push([20, [lastInterim.index, lastInterim.path]]);
  }
  return signEntry(
    { type: ENTRY_TYPES.final, chainId, expiryHeight, fields },
    recorder,
  );
}

/**
 * Read the body of a final anchor.
 *
 * @throws {FormatError} If it is none, or a bound of the format does not hold.
 */
export function readFinalAnchor(entry: Entry): FinalAnchor {
  const body = signedBody(entry, {
    what: "a final anchor",
    keys: FINAL_KEYS,
    optional: [20],
  });
  const hash = (key: number) =>
    asBytes(body.get(key), `field ${key} of a final anchor`, HASH_BYTES);
  const integer = (key: number) =>
    asInteger(body.get(key), `field ${key} of a final anchor`);
  const anchor: FinalAnchor = {
    kind: "final",
    sessionId: ulidText(
      asBytes(body.get(10), "sessionId of a final anchor", ULID_BYTES),
    ),
    ownerCommit: hash(11),
    root: hash(12),
    leafCount: integer(13),
    gapCount: integer(14),
    sealedBytes: integer(15),
    startedAtMs: integer(16),
    endedAtMs: integer(17),
    manifestHash: hash(18),
    policyHash: hash(19),
    ...(body.has(20) ? { lastInterim: readLastInterim(body.get(20)) } : {}),
  };
  checkFinal(anchor);
  return anchor;
}

function readLastInterim(
  value: Value | undefined,
): { index: number; path: Bytes } {
  const [index, path] = asArray(value, "the last interim of a final anchor", 2);
  return {
    index: asInteger(index, "index of the last interim"),
    path: asBytes(path, "path from the last interim"),
  };
}

function checkFinal(anchor: Omit<FinalAnchor, "kind">): void {
  const { leafCount, gapCount, sealedBytes, root, lastInterim } = anchor;
  const chunkCount = leafCount - gapCount;
  const what = `Cannot anchor session ${anchor.sessionId}`;
  require(
    leafCount <= 2 ** 32,
    `${what}: an index has 32 bits, ${leafCount} leaves need more`,
  );
  require(
    chunkCount >= 0,
    `${what}: ${gapCount} of ${leafCount} leaves cannot be gaps`,
  );
  require(
    sealedBytes >= chunkCount * TAG_BYTES &&
      sealedBytes <= chunkCount * SEALED_BYTES_MAX,
    `${what}: ${chunkCount} chunks cannot have ${sealedBytes} bytes`,
  );
  require(
    anchor.startedAtMs <= anchor.endedAtMs,
    `${what}: it ends before it starts`,
  );
  require(
    leafCount > 0 || sameBytes(root, EMPTY_ROOT),
    `${what}: the root over no leaf is H("")`,
  );
  if (lastInterim !== undefined) checkPath(lastInterim.path, what);
}
