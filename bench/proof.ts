/**
 * Verification of one proof against a trust file: a leaf among a thousand, its anchor a few dozen blocks ago.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Leaf } from "../chain/leaf.ts";
import { verifyProof } from "../chain/verify.ts";
import { sealChunk, T0_MS, World } from "../tests/chain/world.ts";
import { type Figure, figureOf } from "./figure.ts";
import { compare } from "./measure.ts";
import { rawVerify } from "./raw_proof.ts";

const LEAVES = 1_000;
const BLOCKS_AFTER = 40;
const PROOFS = 200;

/** Milliseconds for one proof. */
export async function proofFigures(): Promise<readonly Figure[]> {
  const { proof, trust } = anchored();
  const input = { proof, trust, nowMs: T0_MS + 86_400_000 };
  const check = () => assert.match(verifyProof(input).answer, /^VALID\(/);
  const { ms } = await compare({
    ours: () => timed(check),
    baseline: () => timed(() => assert.ok(rawVerify(proof))),
  });
  return [figureOf({
    figure: "verification of a proof against a trust file",
    unit: "ms",
    against: "parsing it, hashing its paths, and two Ed25519 checks",
    pair: ms,
  })];
}

function anchored(): { readonly proof: string; readonly trust: string } {
  const world = new World();
  const { leaf } = sealChunk(new Uint8Array(1_000));
  const leaves: Leaf[] = Array.from(
    { length: LEAVES },
    (_, index) => ({ ...leaf, index }),
  );
  const anchor = world.final({ leaves });
  world.block([anchor]);
  for (let n = 0; n < BLOCKS_AFTER; n++) world.block([]);
  return {
    proof: world.proof({ leaves, index: LEAVES / 2, anchor }),
    trust: world.trust,
  };
}

function timed(check: () => void): { readonly ms: number } {
  const began = performance.now();
  for (let proofs = 0; proofs < PROOFS; proofs++) check();
  return { ms: (performance.now() - began) / PROOFS };
}
