/**
 * Commit entries: the first of every block from height 2 on. They put the certificate of the block before into the
 * log, so that who signed what is history too, and take precommits of the blocks before that which came late: a
 * leader cannot take another's credit by leaving a vote out.
 *
 * @module
 */
import { asArray, asBytes, asInteger, asMap, type Value } from "./canonical.ts";
import { decodeEntry, encodeUnsigned, ENTRY_TYPES } from "./entry.ts";
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES } from "./hash.ts";
import {
  type Certificate,
  certificateOf,
  readCertificate,
  readSignatures,
  signaturesValue,
} from "./quorum.ts";

/** A commit entry, taken apart. */
export interface Commit {
  /** Of the block before. */
  readonly certificate: Certificate;
  /** Precommits of the blocks two to eight before, rising by height; none in a set of one, where nobody is late. */
  readonly late: readonly Certificate[];
}

/** How far back late precommits are taken. */
const LATE_BLOCKS_MAX = 8;

/** The bytes of a commit entry without late precommits. */
export function encodeCommit(
  { height, round, blockId, signatures }: Certificate,
): Bytes {
  const body = new Map<number, Value>([
    [10, height],
    [11, round],
    [12, blockId],
    [13, signaturesValue(signatures)],
    [14, []],
  ]);
  return encodeUnsigned(ENTRY_TYPES.commit, body);
}

/**
 * Read a commit entry.
 *
 * @throws {FormatError} If the bytes are not exactly a commit, or it contradicts itself.
 */
export function decodeCommit(bytes: Uint8Array): Commit {
  const entry = decodeEntry(bytes);
  require(
    entry.type === ENTRY_TYPES.commit,
    "Cannot read a commit: the entry has another type",
  );
  const body = asMap(entry.body, "a commit", [10, 11, 12, 13, 14]);
  const certificate = certificateOf({
    height: asInteger(body.get(10), "height of a commit"),
    round: asInteger(body.get(11), "round of a commit"),
    blockId: asBytes(body.get(12), "blockId of a commit", HASH_BYTES),
    signatures: readSignatures(body.get(13)),
  });
  const late = asArray(body.get(14), "late precommits of a commit").map(
    readCertificate,
  );
  late.forEach(({ height }, at) => {
    const from = at === 0
      ? certificate.height + 1 - LATE_BLOCKS_MAX
      : late[at - 1]!.height + 1;
    require(
      height >= from && height < certificate.height,
      "Cannot read a commit: its late precommits do not rise",
    );
  });
  return { certificate, late };
}
