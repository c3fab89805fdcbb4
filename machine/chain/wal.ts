/**
 * The proposal: the block about to be signed, on disk before anything is signed, so that a crash leads to the same
 * bytes again.
 *
 *     wal = `LCWL` ‖ version 1 ‖ one record: CBOR [entry…]
 *
 * @module
 */
import type { Log } from "@lucid/runtime";
import type { Block } from "../../chain/block.ts";
import { asArray, asBytes, decode, encode } from "../../chain/canonical.ts";
import { join } from "../../chain/hash.ts";
import { decodeHeader } from "../../chain/header.ts";
import type { Ledger } from "../../chain/ledger.ts";
import { readIfThere, writeDurably } from "../data_folder.ts";
import { fileHead, onlyRecord, recordBytes } from "./records.ts";

const WAL = { magic: "LCWL", kind: 1 } as const;

/** Make a proposal durable; it takes the place of the one before. */
export function writeProposal(path: string, { entries }: Block): void {
  const record = recordBytes(WAL.kind, encode(entries));
  writeDurably(path, join(fileHead(WAL.magic), record));
}

/**
 * Read the proposal, if it is one for the next block of a ledger.
 *
 * @throws {FormatError} If it is, but no block that could follow.
 */
export function readProposal(
  path: string,
  { ledger, log }: { readonly ledger: Ledger; readonly log: Log },
): Block | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const payload = onlyRecord(bytes, WAL);
  if (payload === undefined) {
    log.warn("chain wal not sound", { path });
    return undefined;
  }
  const entries = asArray(decode(payload), "a proposal")
    .map((entry) => asBytes(entry, "an entry of a proposal"));
  // After an orderly end it is the proposal of a block that the log already has.
  if (decodeHeader(entries.at(-1)!).height !== ledger.height + 1) {
    return undefined;
  }
  return ledger.check(entries);
}
