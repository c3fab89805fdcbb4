/**
 * The two entries by which recordings enter the log. A *final anchor* closes one session: root and count of its
 * leaves, its times, its owner under a commitment. *Interim anchors* hold many running sessions of one node as they
 * are now; each row proves that its session has only grown since the row before it.
 *
 * @module
 */
import { asArray, asBytes, asInteger, type Value } from "./canonical.ts";
import {
  type Entry,
  ENTRY_TYPES,
  signedBody,
  type SignedHead,
  signedHead,
  signEntry,
  type Signer,
} from "./entry.ts";
import { require } from "./error.ts";
import {
  type Bytes,
  compareBytes,
  HASH_BYTES,
  sameBytes,
  sha256,
  tag,
} from "./hash.ts";
import { SEALED_BYTES_MAX, TAG_BYTES } from "./leaf.ts";
import { EMPTY_ROOT } from "./merkle.ts";
import { ULID_BYTES, ulidBytes, ulidText } from "./ulid.ts";

/** Hashes in one path: a log or session of 2^53 leaves needs no more. */
const PATH_HASHES_MAX = 64;

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

/** One running session, as it is. */
export interface InterimRow {
  /** ULID. */
  readonly sessionId: string;
  readonly leafCount: number;
  readonly root: Bytes;
  /** Consistency path from the session's previous row; empty for the first. */
  readonly path: Bytes;
}

/** Running sessions of one node. */
export interface InterimAnchors {
  readonly kind: "interim";
  /** Ascending by session. */
  readonly rows: readonly InterimRow[];
}

/** An anchor with its head: the recorder's node key is the only one in `keys`. */
export type Anchor = (FinalAnchor | InterimAnchors) & {
  readonly recorderKey: Bytes;
} & SignedHead;

/** Where and until when an anchor may be included. */
export interface AnchorTerms {
  readonly chainId: Uint8Array;
  readonly expiryHeight: number;
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
  { chainId, expiryHeight }: AnchorTerms,
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
 * Sign and encode interim anchors (type 12).
 *
 * @param rows One or more, in any order.
 * @param recorder The node key of the recorder's node.
 * @throws {FormatError} If a bound of the format does not hold.
 */
export function encodeInterimAnchors(
  rows: readonly InterimRow[],
  { chainId, expiryHeight }: AnchorTerms,
  recorder: Signer,
): Bytes {
  const ascending = rows
    .map((
      { sessionId, leafCount, root, path },
    ): [Bytes, number, Bytes, Bytes] => [
      ulidBytes(sessionId),
      leafCount,
      root,
      path,
    ])
    .sort(([a], [b]) => compareBytes(a, b));
  readRows(ascending);
  return signEntry({
    type: ENTRY_TYPES.interim,
    chainId,
    expiryHeight,
    fields: [[10, ascending]],
  }, recorder);
}

/**
 * Read an anchor of either kind.
 *
 * @param entry Of type 1 or 12; its signature is not checked here.
 * @throws {FormatError} If it is neither, or a bound of the format does not hold.
 */
export function readAnchor(entry: Entry): Anchor {
  require(
    entry.type === ENTRY_TYPES.final || entry.type === ENTRY_TYPES.interim,
    `Cannot read an anchor: an entry of type ${entry.type} is none`,
  );
  const head = signedHead(entry);
  require(
    head.keys.length === 1,
    "Cannot read an anchor: only the recorder's node key signs it",
  );
  const rest = { ...head, recorderKey: head.keys[0]! };
  return entry.type === ENTRY_TYPES.final
    ? { ...readFinal(entry), ...rest }
    : { ...readInterim(entry), ...rest };
}

function readFinal(entry: Entry): FinalAnchor {
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

function readInterim(entry: Entry): InterimAnchors {
  const body = signedBody(entry, { what: "interim anchors", keys: [10] });
  return { kind: "interim", rows: readRows(body.get(10)) };
}

function readRows(value: Value | undefined): InterimRow[] {
  const rows = asArray(value, "rows of interim anchors").map(readRow);
  require(rows.length > 0, "Cannot read interim anchors: there is no row");
  // ULIDs sort as texts as they do as bytes.
  const rising = rows.every(({ sessionId }, at) =>
    at === 0 || rows[at - 1]!.sessionId < sessionId
  );
  require(rising, "Cannot read interim anchors: the sessions do not rise");
  return rows;
}

function readRow(value: Value): InterimRow {
  const [sessionId, leafCount, root, path] = asArray(
    value,
    "a row of interim anchors",
    4,
  );
  const row = {
    sessionId: ulidText(
      asBytes(sessionId, "sessionId of an interim row", ULID_BYTES),
    ),
    leafCount: asInteger(leafCount, "leafCount of an interim row"),
    root: asBytes(root, "root of an interim row", HASH_BYTES),
    path: asBytes(path, "path of an interim row"),
  };
  const what = `Cannot anchor session ${row.sessionId} for now`;
  require(row.leafCount >= 1, `${what}: it has no leaf yet`);
  require(
    row.leafCount <= 2 ** 32,
    `${what}: an index has 32 bits, ${row.leafCount} leaves need more`,
  );
  checkPath(row.path, what);
  return row;
}

function checkPath(path: Uint8Array, what: string): void {
  require(
    path.length % HASH_BYTES === 0 &&
      path.length <= PATH_HASHES_MAX * HASH_BYTES,
    `${what}: a path of ${path.length} bytes is none`,
  );
}
