/**
 * What a run of `deno test` says about itself, as numbers that can be added up.
 *
 * @module
 */

/** How many tests went which way; `skips` are the names of those that did not run. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly skips: readonly string[];
}

/** Before anything has run. */
export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0, skips: [] };

/** The line that closes a run: `ok | 2 passed (3 steps) | 0 failed | 1 ignored (5ms)`. */
const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?.*$/gm;

/** The line of a test that did not run. */
const SKIP = /^(.+) \.\.\. ignored \([^)]*\)$/gm;

/** How the name of a skipped test must end: with its reason. */
const REASON = /\(skipped: .+\)$/;

/** Both runs as one. */
export function add(one: Counts, other: Counts): Counts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    skips: [...one.skips, ...other.skips],
  };
}

/** `N passed, N failed, N skipped`. */
export function sentence({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Read a stage's output. Doubt counts as a failure: a bad exit with no failed test, a run that never
 * came to its summary or found no test, a skip without `(skipped: reason)` in its name.
 *
 * @param output What it printed, without colours.
 * @param stage Whether it exited well, and whether it runs tests and so must print a summary.
 */
export function countsOf(
  output: string,
  { success, counts }: { success: boolean; counts: boolean },
): Counts {
  if (!counts) return { ...NOTHING, failed: success ? 0 : 1 };
  // The last one: a test may itself print what looks like a summary.
  const summary = [...output.matchAll(SUMMARY)].at(-1);
  if (summary === undefined) return { ...NOTHING, failed: 1 };
  const [passed, failed, skipped] = summary.slice(1).map((n) => Number(n ?? 0));
  const skips = [...output.matchAll(SKIP)].map((match) => match[1]!);
  const unexplained = skips.filter((name) => !REASON.test(name)).length;
  const unseen = !success || passed! + skipped! === 0 ? 1 : 0;
  return {
    passed: passed!,
    failed: Math.max(failed!, unseen) + unexplained,
    skipped: skipped!,
    skips,
  };
}
