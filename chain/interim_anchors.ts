/**
 * Interim anchors: one entry (type 12) that holds many running sessions of one node as they are now. Each row proves
 * that its session has only grown since the row before it.
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
import { type Bytes, compareBytes, HASH_BYTES } from "./hash.ts";
import { checkPath } from "./merkle_proof.ts";
import { ULID_BYTES, ulidBytes, ulidText } from "./ulid.ts";

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

/**
 * Sign and encode interim anchors (type 12).
 *
 * @param rows One or more, in any order.
 * @param recorder The node key of the recorder's node.
 * @throws {FormatError} If a bound of the format does not hold.
 */
export function encodeInterimAnchors(
  rows: readonly InterimRow[],
  { chainId, expiryHeight }: EntryTerms,
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
 * Read the body of interim anchors.
 *
 * @throws {FormatError} If it is none, or a bound of the format does not hold.
 */
export function readInterimAnchors(entry: Entry): InterimAnchors {
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
