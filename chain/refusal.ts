/**
 * Refusals: what a ledger says to an entry that cannot go into its next block.
 *
 * @module
 */

/** Why an entry cannot go into the next block. */
export interface Refusal {
  /** Stable code, `chain/reason`. */
  readonly refused: RefusalCode;
  /** For people. */
  readonly because: string;
}

/** Everything that a ledger may object to. */
export type RefusalCode =
  | "chain/too-large"
  | "chain/wrong-type"
  | "chain/malformed"
  | "chain/wrong-chain"
  | "chain/expired"
  | "chain/expires-too-late"
  | "chain/decided"
  | "chain/weak-key"
  | "chain/wrong-signature"
  | "chain/ends-later"
  | "chain/already-final"
  | "chain/wrong-interim"
  | "chain/not-grown";

/** A refusal; `why` follows "Cannot take the entry: ". */
export function refuse(refused: RefusalCode, why: string): Refusal {
  return { refused, because: `Cannot take the entry: ${why}` };
}
