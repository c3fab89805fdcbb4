/**
 * Who decides blocks: one to nineteen validators, ascending by consensus key, so that a position names one of them.
 * A header names a set by its hash; entries hold it in CBOR, trust and proof files in JSON.
 *
 * @module
 */
import {
  asArray,
  asBytes,
  encode,
  requireRising,
  type Value,
} from "./canonical.ts";
import { KEY_BYTES } from "./ed25519.ts";
import { require } from "./error.ts";
import { type Bytes, compareBytes, sha256, tag } from "./hash.ts";
import { type Json, jsonArray, jsonHex } from "./strict_json.ts";

/** Votes of more validators do not fit a C2SP note: 13 + 1 log + 2 witnesses is 16 signatures. */
const VALIDATORS_MAX = 19;

/** The three public keys of one validator, 32 bytes each, independent of one another. */
export interface Validator {
  readonly consensusKey: Bytes;
  readonly vrfKey: Bytes;
  readonly cosignKey: Bytes;
}

/** What a header says of a set of validators. */
export function validatorsHash(validators: readonly Validator[]): Bytes {
  return sha256(
    tag("lucid_blocks/validators/v1"),
    encode(validatorsValue(validators)),
  );
}

/** Rows of three keys, ascending by the first. */
export function validatorsValue(validators: readonly Validator[]): Value[] {
  return validators
    .toSorted((a, b) => compareBytes(a.consensusKey, b.consensusKey))
    .map((
      { consensusKey, vrfKey, cosignKey },
    ) => [consensusKey, vrfKey, cosignKey]);
}

/** Read what {@linkcode validatorsValue} gives. `what` names it in the error: "validators of a genesis". */
export function readValidators(
  value: Value | undefined,
  what: string,
): Validator[] {
  const rows = asArray(value, what).map((row) =>
    asArray(row, what, 3).map((key) => asBytes(key, what, KEY_BYTES))
  );
  return setOf(rows, what);
}

/** Rows of three keys in hex. */
export function validatorsJson(validators: readonly Validator[]): string[][] {
  return validators.map(({ consensusKey, vrfKey, cosignKey }) =>
    [consensusKey, vrfKey, cosignKey].map((key) => key.toHex())
  );
}

/** Read what {@linkcode validatorsJson} gives. */
export function readValidatorsJson(
  value: Json | undefined,
  what: string,
): Validator[] {
  const rows = jsonArray(value, what).map((row) =>
    jsonArray(row, what, 3).map((key) => jsonHex(key, what, KEY_BYTES))
  );
  return setOf(rows, what);
}

/** Rows of three keys as a set, refused if it is empty, too large or not ascending. */
function setOf(rows: readonly (readonly Bytes[])[], what: string): Validator[] {
  require(
    rows.length >= 1 && rows.length <= VALIDATORS_MAX,
    `Cannot read ${what}: there are ${rows.length}, not 1 to ${VALIDATORS_MAX}`,
  );
  requireRising(rows.map(([consensusKey]) => consensusKey!), what);
  return rows.map(([consensusKey, vrfKey, cosignKey]) => ({
    consensusKey: consensusKey!,
    vrfKey: vrfKey!,
    cosignKey: cosignKey!,
  }));
}
