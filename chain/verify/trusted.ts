/**
 * Step "trust": whether the trust file is one that may be used here and now, and whether the proof begins where it
 * ends.
 *
 * @module
 */
import { require } from "../error.ts";
import { type Bytes, sameBytes } from "../hash.ts";
import type { Header } from "../header.ts";
import { provesConsistency } from "../merkle_proof.ts";
import type { Proof } from "../proof.ts";
import { checkCertificate } from "../quorum.ts";
import { parseTrust, type Trust } from "../trust.ts";
import { validatorsHash } from "../validators.ts";
import { short, type Verdict } from "./steps.ts";

/**
 * Read a trust file and hold a proof against it.
 *
 * @returns The file, and the sentence that says from where it trusts.
 * @throws {FormatError} Saying why not.
 */
export function checkTrusted(
  text: string,
  { proof, nowMs }: { readonly proof: Proof; readonly nowMs: number },
): Verdict<Trust> {
  const trust = parseTrust(text);
  const { height, validUntilMs, checkpoint, predecessor } = trust;
  require(
    validUntilMs === undefined || nowMs <= validUntilMs,
    "Cannot use the trust file: its last day has passed",
  );
  require(
    sameBytes(trust.chainId, proof.chainId),
    `Cannot trust the proof: it is of chain ${
      short(proof.chainId)
    }, the trust file of ${short(trust.chainId)}`,
  );
  const last = proof.certified.at(-1)!;
  require(
    last.header.height >= height,
    `Cannot trust the proof: its certified block ${last.header.height} is below the trusted ${height}`,
  );
  const trustedSet = validatorsHash(trust.validators);
  if (last.header.height === height) {
    require(
      sameBytes(last.blockId, trust.blockId),
      `Cannot trust the proof: its block ${height} is another`,
    );
    require(
      sameBytes(last.header.nextValidatorsHash, trustedSet),
      "Cannot trust the proof: its set is another",
    );
  } else {
    const first = proof.certified.find(({ header }) => header.height > height)!;
    require(
      sameBytes(first.header.validatorsHash, trustedSet),
      "Cannot trust the proof: the set that decided its first block is not the trusted one",
    );
    if (checkpoint !== undefined) checkExtends(proof, last.header, checkpoint);
  }
  if (predecessor !== undefined) checkPredecessor(trust, predecessor);
  return [
    trust,
    `Trusted: ${trust.genesis.params.network}, chain ${
      short(trust.chainId)
    }, from height ${height}`,
  ];
}

/** Who holds a key of today could otherwise write another past below the pinned height. */
function checkExtends(
  proof: Proof,
  header: Header,
  { size, root }: { readonly size: number; readonly root: Bytes },
) {
  require(
    proof.extends?.size === size,
    `Cannot trust the proof: it does not show that it extends the ${size} entries`,
  );
  const extended = provesConsistency({
    oldCount: size,
    oldRoot: root,
    newCount: header.preSize,
    newRoot: header.preRoot,
    path: proof.extends.path,
  });
  require(
    extended,
    "Cannot trust the proof: its log does not begin with the trusted one",
  );
}

function checkPredecessor({ genesis }: Trust, before: Trust): void {
  const { certificate } = genesis.predecessor!;
  checkCertificate(certificate, {
    chainId: before.chainId,
    validators: before.validators,
    height: certificate.height,
    blockId: certificate.blockId,
    originRound: 0,
  });
}
