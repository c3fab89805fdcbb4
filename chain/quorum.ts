/**
 * Certificates: the precommits by which more than two thirds of a set of validators decided a block. One certificate
 * is enough to trust a header, and through it the whole log before it. With a set of one, one signature is a quorum.
 *
 * @module
 */
import { asArray, asBytes, asInteger, type Value } from "./canonical.ts";
import { isSignature, SIGNATURE_BYTES } from "./ed25519.ts";
import { require } from "./error.ts";
import {
  type Bytes,
  HASH_BYTES,
  join,
  sameBytes,
  tag,
  u32,
  u64,
  u8,
} from "./hash.ts";
import type { Validator } from "./validators.ts";

/** The two votes of a round. */
export const VOTE_TYPES = { prevote: 1, precommit: 2 } as const;

/** What a vote says. */
export interface Vote {
  readonly type: (typeof VOTE_TYPES)[keyof typeof VOTE_TYPES];
  readonly height: number;
  readonly round: number;
  /** Zeros: for no block. */
  readonly blockId: Uint8Array;
}

/** Precommits of one round for one block. */
export interface Certificate {
  readonly height: number;
  readonly round: number;
  readonly blockId: Bytes;
  /** By position in the ascending set, rising. */
  readonly signatures: readonly PositionedSignature[];
}

/** A signature, and whose. */
export interface PositionedSignature {
  readonly index: number;
  readonly signature: Bytes;
}

/** The bytes that a vote signs. */
export function voteMessage(
  { type, height, round, blockId }: Vote,
  chainId: Uint8Array,
): Bytes {
  return join(
    tag("lucid_blocks/vote/v1"),
    chainId,
    u8(type),
    u64(height),
    u32(round),
    blockId,
  );
}

/** What a certificate is checked against. */
export interface CertifiedBlock {
  readonly chainId: Uint8Array;
  /** The set of the block's height, ascending. */
  readonly validators: readonly Validator[];
  readonly height: number;
  readonly blockId: Uint8Array;
  readonly originRound: number;
}

/**
 * Refuse a certificate that does not decide a block. One invalid signature spoils it, however many are valid:
 * otherwise two nodes could disagree over which votes a block had.
 *
 * @throws {FormatError} Saying what is wrong.
 */
export function checkCertificate(
  certificate: Certificate,
  block: CertifiedBlock,
): void {
  const { height, round, blockId, signatures } = certificate;
  const what = `Cannot accept the certificate of block ${block.height}`;
  require(
    height === block.height && sameBytes(blockId, block.blockId),
    `${what}: it is for another block`,
  );
  require(
    round >= block.originRound,
    `${what}: its round is before the one that made the block`,
  );
  const count = block.validators.length;
  require(
    3 * signatures.length > 2 * count,
    `${what}: ${signatures.length} of ${count} are not a quorum`,
  );
  const message = voteMessage({
    type: VOTE_TYPES.precommit,
    height,
    round,
    blockId,
  }, block.chainId);
  for (const { index, signature } of signatures) {
    const validator = block.validators[index];
    require(validator !== undefined, `${what}: there is no validator ${index}`);
    require(
      isSignature({ key: validator.consensusKey, message, signature }),
      `${what}: the signature of validator ${index} is not valid`,
    );
  }
}

/** `[height, round, blockId, [[index, signature]…]]`. */
export function certificateValue(
  { height, round, blockId, signatures }: Certificate,
): Value[] {
  return [height, round, blockId, signaturesValue(signatures)];
}

/** Read what {@linkcode certificateValue} gives. */
export function readCertificate(value: Value | undefined): Certificate {
  const [height, round, blockId, signatures] = asArray(
    value,
    "a certificate",
    4,
  );
  return certificateOf({
    height: asInteger(height, "height of a certificate"),
    round: asInteger(round, "round of a certificate"),
    blockId: asBytes(blockId, "blockId of a certificate", HASH_BYTES),
    signatures: readSignatures(signatures),
  });
}

/** A certificate of which the shape is checked: a round of 32 bits, positions rising. */
export function certificateOf(certificate: Certificate): Certificate {
  const { round, signatures } = certificate;
  require(
    round <= 0xffff_ffff,
    "Cannot read a certificate: a round has 32 bits",
  );
  const rising = signatures.every(({ index }, at) =>
    at === 0 || signatures[at - 1]!.index < index
  );
  require(rising, "Cannot read a certificate: the positions do not rise");
  return certificate;
}

/** `[[index, signature]…]`. */
export function signaturesValue(
  signatures: readonly PositionedSignature[],
): Value[] {
  return signatures.map(({ index, signature }) => [index, signature]);
}

/** Read what {@linkcode signaturesValue} gives. */
export function readSignatures(
  value: Value | undefined,
): PositionedSignature[] {
  return asArray(value, "signatures of a certificate").map((row) => {
    const [index, signature] = asArray(row, "a signature of a certificate", 2);
    return {
      index: asInteger(index, "index of a signature"),
      signature: asBytes(
        signature,
        "a signature of a certificate",
        SIGNATURE_BYTES,
      ),
    };
  });
}
