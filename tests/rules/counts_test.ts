/**
 * The gate counts what ran, and never takes silence for success.
 *
 * @module
 */
import assert from "node:assert/strict";
import { add, countsOf, NOTHING, sentence } from "../../scripts/counts.ts";

const good = { success: true, counts: true };
const bad = { success: false, counts: true };

Deno.test.each([
  {
    name: "a good run",
    output: "a ... ok (1ms)\n\nok | 2 passed | 0 failed (418ms)\n\n",
    stage: good,
    says: "2 passed, 0 failed, 0 skipped",
  },
  {
    name: "steps and skips with a reason",
    output: "draws (skipped: Xvnc is missing) ... ignored (0ms)\n" +
      "ok | 3 passed (12 steps) | 0 failed | 1 ignored (1m2s)\n",
    stage: good,
    says: "3 passed, 0 failed, 1 skipped",
  },
  {
    name: "failures",
    output: "FAILED | 5 passed (1 step) | 2 failed (3 steps) (5ms)\n",
    stage: bad,
    says: "5 passed, 2 failed, 0 skipped",
  },
  {
    name: "filtered and measured runs",
    output: "ok | 1 passed | 0 failed | 2 filtered out (5ms)\n",
    stage: good,
    says: "1 passed, 0 failed, 0 skipped",
  },
  {
    name: "the last summary, not one that a test printed",
    output: "ok | 9 passed | 0 failed (1ms)\nok | 1 passed | 0 failed (2ms)\n",
    stage: good,
    says: "1 passed, 0 failed, 0 skipped",
  },
  {
    name: "a skip without a reason",
    output:
      "draws ... ignored (0ms)\nok | 3 passed | 0 failed | 1 ignored (1ms)\n",
    stage: good,
    says: "3 passed, 1 failed, 1 skipped",
  },
  {
    name: "a bad exit behind a good summary",
    output: "ok | 3 passed | 0 failed (1ms)\n",
    stage: bad,
    says: "3 passed, 1 failed, 0 skipped",
  },
  {
    name: "no summary",
    output: "error: Type checking failed.\n",
    stage: bad,
    says: "0 passed, 1 failed, 0 skipped",
  },
  {
    name: "no summary and a good exit",
    output: "",
    stage: good,
    says: "0 passed, 1 failed, 0 skipped",
  },
  {
    name: "no test at all",
    output: "ok | 0 passed | 0 failed (0ms)\n",
    stage: good,
    says: "0 passed, 1 failed, 0 skipped",
  },
  {
    name: "a check that went well",
    output: "Checked 9 files\n",
    stage: { success: true, counts: false },
    says: "0 passed, 0 failed, 0 skipped",
  },
  {
    name: "a check that did not",
    output: "",
    stage: { success: false, counts: false },
    says: "0 passed, 1 failed, 0 skipped",
  },
])("gate: counts $name", ({ output, stage, says }) => {
  assert.equal(sentence(countsOf(output, stage)), says);
});

Deno.test("gate: adds runs up and keeps the names of what was skipped", () => {
  const skipped = countsOf(
    "a (skipped: no ffmpeg) ... ignored (0ms)\n" +
      "ok | 1 passed | 0 failed | 1 ignored (0ms)\n",
    good,
  );
  const total = [skipped, skipped].reduce(add, NOTHING);
  assert.equal(sentence(total), "2 passed, 0 failed, 2 skipped");
  assert.deepEqual(total.skips, [
    "a (skipped: no ffmpeg)",
    "a (skipped: no ffmpeg)",
  ]);
});
