/**
 * `deno task bench`: our figures beside their baselines, on this machine, as JSON. Compare ratios, also between
 * machines; bare numbers only with numbers of the same run. Takes about a minute; what it is at is said on standard
 * error.
 *
 * @module
 */
import { busFigures } from "./bus.ts";
import { chunkPathFigures } from "./chunk_path.ts";
import { commitFigures } from "./commits.ts";
import type { Figure } from "./figure.ts";
import { httpFigures } from "./http.ts";
import { localAskFigures } from "./local_ask.ts";
import { merkleFigures } from "./merkle.ts";
import { proofFigures } from "./proof.ts";

const CHAPTERS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  "asks over NATS": busFigures,
  "local asks": localAskFigures,
  "commits": commitFigures,
  "chunk path": chunkPathFigures,
  "Merkle tree": merkleFigures,
  "proof": proofFigures,
  "gateway": httpFigures,
};

if (import.meta.main) await bench();

async function bench(): Promise<void> {
  const began = performance.now();
  const machine = {
    cores: navigator.hardwareConcurrency,
    target: Deno.build.target,
    deno: Deno.version.deno,
    // Of the last minute, before anything ran here: much of it, and the figures are somebody else's.
    load: Deno.loadavg()[0],
  };
  const figures: Figure[] = [];
  for (const [name, chapter] of Object.entries(CHAPTERS)) {
    write(Deno.stderr, `${name} …\n`);
    figures.push(...await chapter());
  }
  const tookMs = Math.round(performance.now() - began);
  const result = { machine, tookMs, figures };
  write(Deno.stdout, `${JSON.stringify(result, null, 2)}\n`);
}

function write(to: typeof Deno.stdout, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}
