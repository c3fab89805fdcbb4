/**
 * Verification of a proof, step by step, against a trust file. What is answered:
 *
 * - `VALID(n, witnesses)` or `VALID(single-operator)`: the leaf was anchored in a block that the trusted set decided;
 *   n is the smallest set on the way;
 * - `INTERIM(…)`: the same of an interim anchor: the session was still running;
 * - `UNPINNED`: everything fits together, but without a trust file anybody could have made it all;
 * - `INVALID(step)`: the first step that failed, and why.
 *
 * The steps themselves are the chapters in `verify/`.
 *
 * @module
 */
import { FormatError } from "./error.ts";
import { decodeLeaf, type Leaf } from "./leaf.ts";
import { parseProof, type Proof } from "./proof.ts";
import {
  checkAnchor,
  checkAnchorPath,
  checkAnchorSignature,
  checkDated,
  checkSessionPath,
  datingBlock,
} from "./verify/anchored.ts";
import {
  checkCertificates,
  checkGrids,
  checkHandovers,
} from "./verify/certified.ts";
import { openStepwise } from "./verify/opened.ts";
import {
  conclude,
  type Followed,
  invalid,
  type Report,
} from "./verify/report.ts";
import { short, StepFailed, Steps, type Verdict } from "./verify/steps.ts";
import { checkTrusted } from "./verify/trusted.ts";

/** What a proof is verified with. */
export interface VerifyInput {
  /** The proof file. */
  readonly proof: string | Uint8Array;
  /** The trust file; without one the best answer is UNPINNED. */
  readonly trust?: string | Uint8Array | undefined;
  /** The sealed chunk. */
  readonly chunk?: Uint8Array | undefined;
  /** The chunk's key, 32 bytes; means nothing without the chunk. */
  readonly key?: Uint8Array | undefined;
  /** Now: a trust file may have a last day. */
  readonly nowMs: number;
}

/**
 * Verify a proof.
 *
 * @returns A report, whatever the files hold: wrong bytes are answers, not errors.
 */
export function verifyProof(input: VerifyInput): Report {
  const steps = new Steps();
  try {
    return conclude(followSteps(input, steps), steps.taken);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return invalid(steps.taken);
  }
}

function followSteps(input: VerifyInput, steps: Steps): Followed {
  const { chunk, key, nowMs } = input;
  const proof = steps.take("proof", () => readProof(input.proof));
  const trust = input.trust === undefined ? undefined : steps.take(
    "trust",
    () => checkTrusted(asText(input.trust!, "a trust file"), { proof, nowMs }),
  );
  const leaf = steps.take("leaf", () => readLeaf(proof));
  const found = steps.take("anchor", () => checkAnchor(proof, leaf));
  const { anchor, said } = found;
  steps.take("session-path", () => checkSessionPath(proof, { leaf, said }));
  steps.take("anchor-signature", () => checkAnchorSignature(found));
  const dating = datingBlock(proof);
  steps.take("anchor-path", () => checkAnchorPath(proof, dating.header));
  steps.take("dated", () => checkDated({ proof, anchor, dating, trust }));
  const smallestSet = steps.take(
    "certificate",
    () => checkCertificates(proof, trust),
  );
  steps.take("handover", () => checkHandovers(proof.certified));
  if (trust !== undefined) {
    steps.take("grid", () => checkGrids(proof, trust.genesis.params));
  }
  const plain = chunk === undefined
    ? undefined
    : openStepwise(steps, { proof, leaf, anchor, chunk, key });
  return { proof, trust, leaf, anchor, said, dating, smallestSet, plain };
}

function readProof(file: string | Uint8Array): Verdict<Proof> {
  const proof = parseProof(asText(file, "a proof"));
  const { sessionId, chainId } = proof;
  return [
    proof,
    `Proof of one leaf of session ${sessionId}, on chain ${short(chainId)}`,
  ];
}

function readLeaf(proof: Proof): Verdict<Leaf> {
  const leaf = decodeLeaf(proof.leaf);
  const { index, kind, startMs, endMs } = leaf;
  return [leaf, `Leaf ${index} is a ${kind} of ${endMs - startMs} ms`];
}

/** A file as text; what is not ASCII in it is refused by the parser. */
function asText(file: string | Uint8Array, what: string): string {
  if (typeof file === "string") return file;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      file,
    );
  } catch {
    throw new FormatError(`Cannot read ${what}: it is not text`);
  }
}
