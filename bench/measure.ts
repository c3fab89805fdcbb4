/**
 * How a figure is come by. Ours and its baseline run in the same process and the same minute, in turns, so that
 * whatever else the machine does meets both; each side is warmed up and then run five times, and the median stays.
 * The ratio is the median of the five ratios of neighbouring runs, because two neighbours share more than ten
 * strangers do.
 *
 * @module
 */

/** Runs that count: odd, so that the median is one of them. */
const ROUNDS = 5;

/** Calls of one side in a row where sides change within a run: some milliseconds. */
const BLOCK = 50;

/** What one run measured, by name: `{ p50Us: 81, p99Us: 190 }`. */
export type Measures = Readonly<Record<string, number>>;

/** One run. */
export type Run<M extends Measures> = () => M | Promise<M>;

/** One call, told its place among all of its run. */
export type Call = (index: number) => Promise<unknown>;

/** One measure of both sides: medians. */
export interface Pair {
  readonly ours: number;
  readonly baseline: number;
  /** Ours by baseline. */
  readonly ratio: number;
  /** The least and the greatest ratio of the five: far apart, the machine was busy with something else. */
  readonly ratios: readonly [least: number, greatest: number];
}

/**
 * Run ours and its baseline in turns.
 *
 * @returns For each measure, both sides of it.
 */
export async function compare<M extends Measures>(
  { ours, baseline }: { readonly ours: Run<M>; readonly baseline: Run<M> },
): Promise<{ readonly [K in keyof M]: Pair }> {
  await ours();
  await baseline();
  const rounds: { readonly ours: M; readonly baseline: M }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Who goes first changes: the second finds the machine as the first left it.
    if (round % 2 === 0) {
      const first = await ours();
      rounds.push({ ours: first, baseline: await baseline() });
    } else {
      const first = await baseline();
      rounds.push({ ours: await ours(), baseline: first });
    }
  }
  const names: (keyof M)[] = Object.keys(rounds[0]!.ours);
  const pairs = names.map((name) => [
    name,
    pairOf(rounds.map(({ ours, baseline }) => [ours[name]!, baseline[name]!])),
  ]);
  return Object.fromEntries(pairs);
}

function pairOf(rounds: readonly (readonly [number, number])[]): Pair {
  const ratios = rounds.map(([ours, baseline]) => ours / baseline);
  return {
    ours: median(rounds.map(([ours]) => ours)),
    baseline: median(rounds.map(([, baseline]) => baseline)),
    ratio: median(ratios),
    ratios: [Math.min(...ratios), Math.max(...ratios)],
  };
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest value that at least this share of all do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/**
 * Time calls of ours and of the baseline, one in flight, changing sides every {@linkcode BLOCK} calls: latencies are
 * short, and what disturbs them is shorter than a run.
 *
 * @param count Calls of each side in each run.
 */
export async function compareOneByOne(
  count: number,
  { ours, baseline }: { readonly ours: Call; readonly baseline: Call },
): Promise<{ readonly p50Us: Pair; readonly p99Us: Pair }> {
  const rounds: { readonly ours: number[]; readonly baseline: number[] }[] = [];
  // The first one warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    const took = { ours: [] as number[], baseline: [] as number[] };
    for (let from = 0; from < count; from += BLOCK) {
      await timeEach(ours, { from, to: from + BLOCK, tookUs: took.ours });
      await timeEach(baseline, {
        from,
        to: from + BLOCK,
        tookUs: took.baseline,
      });
    }
    if (round > 0) rounds.push(took);
  }
  const pair = (share: number): Pair =>
    pairOf(rounds.map(({ ours, baseline }) => [
      percentile(ours, share),
      percentile(baseline, share),
    ]));
  return { p50Us: pair(0.5), p99Us: pair(0.99) };
}

async function timeEach(
  call: Call,
  { from, to, tookUs }: {
    readonly from: number;
    readonly to: number;
    readonly tookUs: number[];
  },
): Promise<void> {
  for (let index = from; index < to; index++) {
    const began = performance.now();
    await call(index);
    tookUs.push(1_000 * (performance.now() - began));
  }
}

/** Make `count` calls, so many of them in flight, timing the whole. */
export async function allAtOnce(
  { count, inFlight }: { readonly count: number; readonly inFlight: number },
  call: Call,
): Promise<{ readonly perSecond: number }> {
  let index = 0;
  const lane = async (): Promise<void> => {
    while (index < count) await call(index++);
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: inFlight }, lane));
  return { perSecond: 1_000 * count / (performance.now() - began) };
}
