/**
 * A report as a person reads it: the steps, what was found, the answer, and what that does not say.
 *
 * @module
 */
import type { FinalAnchor } from "../final_anchor.ts";
import type { InterimRow } from "../interim_anchors.ts";
import type { Findings, Report, ShownBlock } from "./report.ts";

/** A moment as a date; this folder knows no calendar. */
export type SayTime = (timeMs: number) => string;

/**
 * The text of a report.
 *
 * @param options `name`: of the proof, for the first line; `sayTime`: milliseconds since the Unix epoch as a date.
 * @returns Lines, each with its line feed.
 */
export function reportText(
  { answer, steps, findings, caveats }: Report,
  { name, sayTime }: { readonly name: string; readonly sayTime: SayTime },
): string {
  const width = Math.max(...steps.map((step) => step.name.length));
  const checked = steps.map((step) =>
    `  ${step.holds ? "ok  " : "FAIL"}  ${
      step.name.padEnd(width)
    }  ${step.sentence}`
  );
  const lines = [name, "", ...checked, ""];
  if (findings !== undefined) {
    lines.push(...table(facts(findings, sayTime)), "");
  }
  if (findings?.recoveredHeight !== undefined) {
    lines.push(`RECOVERED(${findings.recoveredHeight})`);
  }
  lines.push(answer, ...caveats.map((caveat) => `  ${caveat}`));
  return `${lines.join("\n")}\n`;
}

function facts(
  { network, chainId, leaf, trust, ...found }: Findings,
  sayTime: SayTime,
): [string, string][] {
  const { anchor, recorderKey } = found.recorderSays;
  const gap = leaf.kind === "gap"
    ? ` (nothing was recorded: ${leaf.reason})`
    : "";
  return [
    [
      "chain",
      `${network === undefined ? "" : `${network} `}${chainId.toHex()}`,
    ],
    ["session", found.sessionId],
    [
      "anchored in",
      `${shown(found.dated, sayTime)}, as entry ${found.anchorIndex}`,
    ],
    ["certified by", shown(found.certified, sayTime)],
    [
      "smallest set",
      `${found.smallestSet} on the way, ${found.witnesses} witnesses`,
    ],
    ["trust from", trust === undefined ? "nothing" : since(trust, sayTime)],
    [
      "the recorder says",
      `leaf ${leaf.index} is a ${leaf.kind} from ${sayTime(leaf.startMs)} to ${
        sayTime(leaf.endMs)
      }${gap}`,
    ],
    ...recorded(anchor, sayTime).map((line): [string, string] => ["", line]),
    ["", `recorder ${recorderKey.toHex()}`],
  ];
}

function recorded(
  anchor: FinalAnchor | InterimRow,
  sayTime: SayTime,
): string[] {
  if (!("kind" in anchor)) return [`${anchor.leafCount} leaves so far`];
  const {
    leafCount,
    gapCount,
    sealedBytes,
    startedAtMs,
    endedAtMs,
    ownerCommit,
  } = anchor;
  return [
    `session from ${sayTime(startedAtMs)} to ${sayTime(endedAtMs)}`,
    `${leafCount} leaves, ${gapCount} of them gaps, ${sealedBytes} sealed bytes`,
    `owner ${ownerCommit.toHex()}`,
  ];
}

function shown(
  { height, timeMs, blockId }: ShownBlock,
  sayTime: SayTime,
): string {
  return `block ${height} of ${sayTime(timeMs)}, ${blockId.toHex()}`;
}

function since(
  { height, timeMs }: NonNullable<Findings["trust"]>,
  sayTime: SayTime,
): string {
  return timeMs === undefined
    ? `height ${height}`
    : `height ${height}, ${sayTime(timeMs)}`;
}

function table(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, text]) => `  ${label.padEnd(width)}  ${text}`);
}
