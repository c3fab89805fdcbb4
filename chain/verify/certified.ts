/**
 * Steps "certificate", "handover" and "grid": whether the sets in force decided the headers that a proof shows.
 *
 * @module
 */
import { require } from "../error.ts";
import type { Params } from "../genesis.ts";
import { sameBytes } from "../hash.ts";
import { checkGrid, checkOrder } from "../header.ts";
import type { CertifiedHeader, Proof } from "../proof.ts";
import { checkCertificate } from "../quorum.ts";
import type { Trust } from "../trust.ts";
import { validatorsHash } from "../validators.ts";
import type { Verdict } from "./steps.ts";

/**
 * Refuse headers that their sets did not decide.
 *
 * @returns How many validators the smallest set has that was relied on.
 */
export function checkCertificates(
  { certified, chainId }: Proof,
  trust: Trust | undefined,
): Verdict<number> {
  for (const { header, blockId, certificate, validators } of certified) {
    const { height, originRound } = header;
    require(
      sameBytes(validatorsHash(validators), header.validatorsHash),
      `Cannot accept the certificate of block ${height}: these validators are not the set its header names`,
    );
    checkCertificate(certificate, {
      chainId,
      validators,
      height,
      blockId,
      originRound,
    });
  }
  const last = certified.at(-1)!;
  const relied = certified.filter((each) =>
    each === last || each.header.height > (trust?.height ?? 0)
  );
  const count = last.certificate.signatures.length;
  return [
    Math.min(...relied.map(({ validators }) => validators.length)),
    `Block ${last.header.height} was decided by ${count} of ${last.validators.length}`,
  ];
}

/** Refuse handovers that do not lead from each set to the next. */
export function checkHandovers(
  certified: readonly CertifiedHeader[],
): Verdict<undefined> {
  for (const [at, { header: later }] of certified.slice(1).entries()) {
    const before = certified[at]!;
    const earlier = before.header;
    const what = `Cannot accept the handover at block ${earlier.height}`;
    checkOrder(before, later);
    require(
      !sameBytes(earlier.nextValidatorsHash, earlier.validatorsHash),
      `${what}: the set stays the same`,
    );
    require(
      sameBytes(earlier.nextValidatorsHash, later.validatorsHash),
      `${what}: it names another set`,
    );
  }
  const count = certified.length - 1;
  return [
    undefined,
    count === 0
      ? "No handover on the way"
      : `${count} handovers, each to the next set`,
  ];
}

/** Refuse headers that do not lie on the grid of their genesis. */
export function checkGrids(
  { certified, anchoredIn }: Proof,
  params: Params,
): Verdict<undefined> {
  for (const { header } of certified) checkGrid(header, params);
  if (anchoredIn !== undefined) checkGrid(anchoredIn.header, params);
  return [undefined, "Times, slots and epochs lie on the grid of the genesis"];
}
