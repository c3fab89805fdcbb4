/**
 * Anchors: the entries by which recordings enter the log. Which of the two kinds one is, only its reader has to ask.
 *
 * @module
 */
import {
  type Entry,
  ENTRY_TYPES,
  type SignedHead,
  signedHead,
} from "./entry.ts";
import { require } from "./error.ts";
import { type FinalAnchor, readFinalAnchor } from "./final_anchor.ts";
import type { Bytes } from "./hash.ts";
import { type InterimAnchors, readInterimAnchors } from "./interim_anchors.ts";

/** An anchor with its head: the recorder's node key is the only one in `keys`. */
export type Anchor = (FinalAnchor | InterimAnchors) & {
  readonly recorderKey: Bytes;
} & SignedHead;

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
    ? { ...readFinalAnchor(entry), ...rest }
    : { ...readInterimAnchors(entry), ...rest };
}
