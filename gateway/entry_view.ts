/**
 * Log entries as callers see them: the canonical bytes of `docs/chain.md`, with names for their numbered fields. Byte
 * strings are shown in hex, session ids as ULIDs.
 *
 * @module
 */
import type { Value } from "../chain/canonical.ts";
import { decodeEntry } from "../chain/entry.ts";
import { ulidText } from "../chain/ulid.ts";

/** What JSON can say. */
export type Shown =
  | number
  | string
  | boolean
  | null
  | readonly Shown[]
  | { readonly [name: string]: Shown };

/** An entry, shown. */
export interface EntryView {
  readonly type: string;
  readonly body: Readonly<Record<string, Shown>>;
  readonly signatures: readonly string[];
}

const SIGNED = { 0: "chain_id", 1: "keys", 2: "expiry_height" };

/** Entry type to its name and the names of its fields. */
const TYPES: Readonly<
  Record<number, readonly [string, Readonly<Record<number, string>>]>
> = {
  0: ["genesis", {
    10: "version",
    11: "network",
    12: "t0",
    13: "slot_ms",
    14: "epoch_blocks",
    15: "empty_block_every_slots",
    16: "limits",
    17: "validators",
    18: "nodes",
    19: "predecessor",
  }],
  1: ["final", {
    ...SIGNED,
    10: "session_id",
    11: "owner_commit",
    12: "root",
    13: "leaf_count",
    14: "gap_count",
    15: "ct_bytes",
    16: "started_at",
    17: "ended_at",
    18: "manifest_hash",
    19: "policy_hash",
    20: "interim",
  }],
  7: ["commit", {
    10: "height",
    11: "round",
    12: "block_id",
    13: "signatures",
    14: "late",
  }],
  8: ["header", {
    1: "version",
    2: "chain_id",
    3: "height",
    4: "slot",
    5: "time_ms",
    6: "prev_block_id",
    7: "first_index",
    8: "pre_size",
    9: "pre_root",
    10: "validators_hash",
    11: "next_validators_hash",
    12: "creator",
    13: "origin_round",
    14: "vrf_proof",
    15: "seed",
    16: "epoch",
    17: "state_hash",
    18: "params_hash",
  }],
  12: ["interim", { ...SIGNED, 10: "rows" }],
};

/**
 * Show an entry.
 *
 * @throws {FormatError} If the bytes are no entry.
 */
export function showEntry(bytes: Uint8Array): EntryView {
  const { type, body, signatures } = decodeEntry(bytes);
  const [name, fields] = TYPES[type] ?? [`type_${type}`, {}];
  const named = [...body].map(([key, value]) => {
    const field = fields[key] ?? `field_${key}`;
    return [field, show(value, field)] as const;
  });
  return {
    type: name,
    body: Object.fromEntries(named),
    signatures: signatures.map((signature) => signature.toHex()),
  };
}

function show(value: Value, field: string): Shown {
  if (value instanceof Uint8Array) {
    return field === "session_id" ? ulidText(value) : value.toHex();
  }
  if (value instanceof Map) {
    return Object.fromEntries(
      [...value].map(([key, inner]) => [String(key), show(inner, "")]),
    );
  }
  if (!Array.isArray(value)) return value as Shown;
  // A row of interim anchors begins with its session's id.
  const isRow = field === "rows[]";
  return value.map((inner, at) =>
    show(inner, isRow && at === 0 ? "session_id" : `${field}[]`)
  );
}
