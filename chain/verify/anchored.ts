/**
 * Steps "anchor" to "dated": what the anchor says of the leaf's session, and where in the log the anchor stands.
 *
 * @module
 */
import { type Anchor, readAnchor } from "../anchor.ts";
import { decodeEntry, type Entry, isSigned } from "../entry.ts";
import { require } from "../error.ts";
import type { FinalAnchor } from "../final_anchor.ts";
import { type Bytes, sameBytes } from "../hash.ts";
import {
  blockIdOf,
  checkOrder,
  type Header,
  userEntriesStart,
} from "../header.ts";
import type { InterimRow } from "../interim_anchors.ts";
import type { Leaf } from "../leaf.ts";
import { leafHash } from "../merkle.ts";
import { provesInclusion } from "../merkle_proof.ts";
import type { Proof } from "../proof.ts";
import { CLOCK_SKEW_MS_MAX } from "../session.ts";
import type { Trust } from "../trust.ts";
import { short, type Verdict } from "./steps.ts";

/** An anchor as an entry, taken apart, and what it says of the proof's session. */
export interface FoundAnchor {
  readonly entry: Entry;
  readonly anchor: Anchor;
  readonly said: FinalAnchor | InterimRow;
}

/** The block that holds the anchor. */
export interface DatingBlock {
  readonly header: Header;
  readonly blockId: Bytes;
}

/**
 * Read the anchor of a proof.
 *
 * @throws {FormatError} If it is none, or of another chain or session, or has no room for the leaf.
 */
export function checkAnchor(proof: Proof, leaf: Leaf): Verdict<FoundAnchor> {
  const entry = decodeEntry(proof.anchor);
  const anchor = readAnchor(entry);
  require(
    sameBytes(anchor.chainId, proof.chainId),
    "Cannot use the anchor: it is meant for another chain",
  );
  if (anchor.kind === "interim") {
    const row = anchor.rows.find(({ sessionId }) =>
      sessionId === proof.sessionId
    );
    require(
      row !== undefined,
      "Cannot use the anchor: it has no row for this session",
    );
    return [
      { entry, anchor, said: row },
      `Anchored while it ran, with ${row.leafCount} leaves so far`,
    ];
  }
  require(
    anchor.sessionId === proof.sessionId,
    "Cannot use the anchor: it is of another session",
  );
  require(
    anchor.startedAtMs <= leaf.startMs && leaf.endMs <= anchor.endedAtMs,
    "Cannot use the anchor: the leaf lies outside of its session's times",
  );
  const fits = leaf.kind === "gap"
    ? anchor.gapCount > 0
    : anchor.leafCount > anchor.gapCount &&
      leaf.sealedBytes <= anchor.sealedBytes;
  require(fits, "Cannot use the anchor: its counts leave no room for the leaf");
  return [
    { entry, anchor, said: anchor },
    `The final anchor of a session of ${anchor.leafCount} leaves`,
  ];
}

/** Refuse a leaf that is not in its session. */
export function checkSessionPath(
  { leaf: bytes, leafPath: path }: Proof,
  { leaf: { index }, said: { leafCount: count, root } }: {
    readonly leaf: Leaf;
    readonly said: FoundAnchor["said"];
  },
): Verdict<undefined> {
  const inTree = provesInclusion({
    hash: leafHash(bytes),
    index,
    count,
    path,
    root,
  });
  require(inTree, "Cannot find the leaf under the anchored root");
  return [
    undefined,
    `It is leaf ${index} of the ${count} under the anchored root`,
  ];
}

/** Refuse an anchor that its recorder has not signed. */
export function checkAnchorSignature(
  { entry, anchor }: FoundAnchor,
): Verdict<undefined> {
  require(
    isSigned(entry),
    "Cannot accept the anchor: its signature is not valid",
  );
  return [undefined, `Signed by the recorder ${short(anchor.recorderKey)}`];
}

/** The certified block, unless the proof shows another. */
export function datingBlock({ anchoredIn, certified }: Proof): DatingBlock {
  if (anchoredIn === undefined) return certified.at(-1)!;
  const { header, bytes } = anchoredIn;
  return { header, blockId: blockIdOf(bytes) };
}

/** Refuse an anchor that is not in the log as the dating header saw it. */
export function checkAnchorPath(
  { anchor, anchorIndex, anchorPath }: Proof,
  { preSize, preRoot }: Header,
): Verdict<undefined> {
  const inLog = provesInclusion({
    hash: leafHash(anchor),
    index: anchorIndex,
    count: preSize,
    path: anchorPath,
    root: preRoot,
  });
  require(inLog, "Cannot find the anchor in the log");
  return [undefined, `The anchor is entry ${anchorIndex} of the log`];
}

/** Refuse an anchor that the dating block does not hold, or might not hold, and headers from elsewhere. */
export function checkDated(
  { proof, anchor, dating, trust }: {
    readonly proof: Proof;
    readonly anchor: Anchor;
    readonly dating: DatingBlock;
    readonly trust: Trust | undefined;
  },
): Verdict<undefined> {
  const { height, preSize, timeMs } = dating.header;
  const { anchorIndex, certified, chainId } = proof;
  const what = `Cannot date the anchor by block ${height}`;
  require(
    userEntriesStart(dating.header) <= anchorIndex && anchorIndex < preSize,
    `${what}: entry ${anchorIndex} is not in it`,
  );
  require(height <= anchor.expiryHeight, `${what}: the anchor had expired`);
  const expiryBlocks = trust?.genesis.params.limits.expiryBlocks;
  require(
    expiryBlocks === undefined || anchor.expiryHeight <= height + expiryBlocks,
    `${what}: the anchor expires too late`,
  );
  require(
    anchor.kind === "interim" || anchor.endedAtMs <= timeMs + CLOCK_SKEW_MS_MAX,
    `${what}: the session ends after it`,
  );
  if (proof.anchoredIn !== undefined) {
    const inLog = isBefore(certified.at(-1)!.header, {
      ...dating,
      path: proof.anchoredIn.path,
    });
    require(inLog, `${what}: its header is not in the certified log`);
  }
  for (const { header } of [dating, ...certified]) {
    require(
      sameBytes(header.chainId, chainId),
      `${what}: header ${header.height} is of another chain`,
    );
  }
  return [undefined, `In block ${height}`];
}

/** Whether a path proves that a block's header is in the log that a later header ends. */
function isBefore(
  later: Header,
  { header, blockId, path }: DatingBlock & { readonly path: Bytes },
): boolean {
  checkOrder({ header, blockId }, later);
  return provesInclusion({
    // The leaf hash of a header is its block's id.
    hash: blockId,
    index: header.preSize,
    count: later.preSize,
    path,
    root: later.preRoot,
  });
}
