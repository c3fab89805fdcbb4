/**
 * What the log knows of a session, and whether an anchor goes on from it: interims that only grow, then one final
 * anchor that begins with the last of them, then nothing more.
 *
 * @module
 */
import type { FinalAnchor } from "./final_anchor.ts";
import type { Bytes } from "./hash.ts";
import type { InterimRow } from "./interim_anchors.ts";
import { provesConsistency } from "./merkle_proof.ts";
import { type Refusal, refuse } from "./refusal.ts";

/** How far the end of a recording may lie after its block's time: clocks of two machines differ by that much. */
export const CLOCK_SKEW_MS_MAX = 5_000;

/** What names a session in the log: nobody can squat another recorder's. */
export interface SessionName {
  readonly recorderKey: Uint8Array;
  /** ULID. */
  readonly sessionId: string;
}

/** What the log says of one session of one recorder. */
export interface Session extends SessionName {
  readonly recorderKey: Bytes;
  /** Of the newest anchor. */
  readonly leafCount: number;
  readonly root: Bytes;
  readonly index: number;
  readonly final: boolean;
}

/** A session's name as one text. */
export function keyOf({ recorderKey, sessionId }: SessionName): string {
  return `${recorderKey.toHex()}${sessionId}`;
}

/** Why a session cannot take a final anchor in a block of some time, if it cannot. */
export function refuseFinal(
  anchor: FinalAnchor,
  known: Session | undefined,
  timeMs: number,
): Refusal | undefined {
  const { sessionId, leafCount, root, lastInterim } = anchor;
  const what = `session ${sessionId}`;
  if (known?.final) {
    return refuse(
      "chain/already-final",
      `${what} has its final anchor at entry ${known.index}`,
    );
  }
  if (anchor.endedAtMs > timeMs + CLOCK_SKEW_MS_MAX) {
    return refuse(
      "chain/ends-later",
      `${what} ends ${anchor.endedAtMs - timeMs} ms from now`,
    );
  }
  if (known?.index !== lastInterim?.index) {
    const last = known === undefined
      ? "there is none"
      : `that is entry ${known.index}`;
    return refuse(
      "chain/wrong-interim",
      `the final anchor of ${what} names another last interim: ${last}`,
    );
  }
  if (
    known !== undefined &&
    !hasGrown(known, { leafCount, root, path: lastInterim!.path })
  ) {
    return refuse(
      "chain/not-grown",
      `${what} does not begin with what entry ${known.index} anchored`,
    );
  }
}

/** Why a session cannot take an interim row, if it cannot. */
export function refuseInterim(
  row: InterimRow,
  known: Session | undefined,
): Refusal | undefined {
  const what = `session ${row.sessionId}`;
  if (known?.final) {
    return refuse(
      "chain/already-final",
      `${what} has its final anchor at entry ${known.index}`,
    );
  }
  const isGrown = known === undefined
    ? row.path.length === 0
    : row.leafCount > known.leafCount && hasGrown(known, row);
  if (!isGrown) {
    return refuse(
      "chain/not-grown",
      `${what} does not go on from ${
        known ? `entry ${known.index}` : "nothing"
      }`,
    );
  }
}

function hasGrown(
  known: Session,
  { leafCount, root, path }: {
    readonly leafCount: number;
    readonly root: Uint8Array;
    readonly path: Uint8Array;
  },
): boolean {
  return provesConsistency({
    oldCount: known.leafCount,
    oldRoot: known.root,
    newCount: leafCount,
    newRoot: root,
    path,
  });
}
