/**
 * The gate. It runs every stage to its end, also after one has failed, shows what each says, and
 * closes with one line that adds them up: `N passed, N failed, N skipped`.
 *
 *     deno task ok      all but tests/real/
 *     deno task test    all
 *
 * A stage that stops early, prints no count or skips without a reason is a failure: what did not
 * run is never counted as passed.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { add, type Counts, countsOf, NOTHING, sentence } from "./counts.ts";

/** A stage that takes longer hangs. CI allows 25 minutes, and only the two stages of tests take more than one. */
const STAGE_MINUTES_MAX = 10;

interface Stage {
  readonly name: string;
  readonly args: readonly string[];
  /** Whether it runs tests and must say how many. */
  readonly counts: boolean;
}

/** In CI the lock decides; on a desk Deno may add what a new import needs. */
const FROZEN = Deno.env.has("CI") ? ["--frozen"] : [];
const TEST = ["test", "-P=test", "--no-prompt", ...FROZEN];

const FAST: readonly Stage[] = [
  { name: "format", args: ["fmt", "--check"], counts: false },
  { name: "lint", args: ["lint"], counts: false },
  { name: "types", args: ["check", ...FROZEN], counts: false },
  {
    name: "documentation",
    args: ["doc", "--lint", "runtime/mod.ts"],
    counts: false,
  },
  {
    name: "examples in documentation",
    args: [...TEST, "--doc", "runtime", "chain"],
    counts: true,
  },
  {
    name: "fast tests",
    args: [...TEST, "--ignore=tests/real", "tests"],
    counts: true,
  },
];

const REAL: readonly Stage[] = [
  { name: "real programs", args: [...TEST, "tests/real"], counts: true },
];

const screen = Deno.stdout.writable.getWriter();
const say = (line: string): Promise<void> =>
  screen.write(new TextEncoder().encode(`${line}\n`));

const verdicts: string[] = [];
let total: Counts = NOTHING;
for (const stage of Deno.args.includes("--fast") ? FAST : [...FAST, ...REAL]) {
  await say(`\n== ${stage.name}: deno ${stage.args.join(" ")}`);
  const startedMs = performance.now();
  const counts = await run(stage);
  const tookSeconds = Math.round((performance.now() - startedMs) / 1000);
  total = add(total, counts);
  const verdict = counts.failed === 0 ? "ok" : "FAILED";
  verdicts.push(`${verdict} ${stage.name} (${tookSeconds} s)`);
}
await say(`\n${verdicts.join("\n")}`);
for (const name of total.skips) await say(`not run: ${name}`);
await say(sentence(total));
Deno.exit(total.failed > 0 ? 1 : 0);

/** Run one stage, showing its output as it comes. */
async function run(stage: Stage): Promise<Counts> {
  const signal = AbortSignal.timeout(STAGE_MINUTES_MAX * 60_000);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...stage.args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    signal,
  }).spawn();
  const kept: Uint8Array[] = [];
  const show = new WritableStream<Uint8Array>({
    write(bytes) {
      kept.push(bytes);
      return screen.write(bytes);
    },
  });
  try {
    await child.stdout.pipeTo(show, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    await say(`Cannot wait longer: ${STAGE_MINUTES_MAX} minutes have passed`);
  }
  const { success } = await child.status;
  const output = Buffer.concat(kept).toString();
  return countsOf(output, { success, counts: stage.counts });
}
