/**
 * A figure as it is printed: our number, its baseline's, and whether the bar is met.
 *
 * @module
 */
import type { Pair } from "./measure.ts";

/** What a number has to be. */
export interface Bar {
  /** Of our number, or of its ratio to the baseline's. */
  readonly of: "ours" | "ratio";
  readonly is: "≤" | "≥";
  readonly limit: number;
}

/** One line of the result. */
export interface Figure {
  readonly figure: string;
  readonly unit: string;
  readonly ours: number;
  readonly baseline: number;
  /** What the baseline did. */
  readonly against: string;
  readonly ratio: number;
  /** From … to, over the runs. */
  readonly ratios: readonly [number, number];
  /** Absent from figures that are there to be known. */
  readonly bar?: string;
  readonly met?: boolean;
}

/** Put a figure together. */
export function figureOf(
  { figure, unit, against, pair, bar }: {
    readonly figure: string;
    readonly unit: string;
    readonly against: string;
    readonly pair: Pair;
    readonly bar?: Bar;
  },
): Figure {
  const { ours, baseline, ratio, ratios: [least, greatest] } = pair;
  return {
    figure,
    unit,
    ours: readable(ours),
    baseline: readable(baseline),
    against,
    ratio: readable(ratio),
    ratios: [readable(least), readable(greatest)],
    ...(bar === undefined ? {} : {
      bar: `${bar.of} ${bar.is} ${bar.limit}`,
      met: isMet(bar, pair),
    }),
  };
}

function isMet({ of, is, limit }: Bar, pair: Pair): boolean {
  return is === "≤" ? pair[of] <= limit : pair[of] >= limit;
}

/** Three digits: the fourth is noise. */
function readable(value: number): number {
  return Number(value.toPrecision(3));
}
