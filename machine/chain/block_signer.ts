/**
 * The validator's signature, which cannot go back: what was signed last is on disk before a signature leaves, in two
 * files written in turn, so that a crash in the middle of one leaves the other. They are no part of a backup: a
 * restored signer would not know what it has signed since.
 *
 *     signer.0, signer.1 = `LCSG` ‖ version 1 ‖ one record: CBOR [count, height, round, blockId]
 *
 * @module
 */
import { join } from "node:path";
import { LucidError } from "@lucid/runtime";
import {
  asArray,
  asBytes,
  asInteger,
  decode,
  encode,
} from "../../chain/canonical.ts";
import type { Signer } from "../../chain/entry.ts";
import { HASH_BYTES, join as joinBytes, sameBytes } from "../../chain/hash.ts";
import {
  type Certificate,
  VOTE_TYPES,
  voteMessage,
} from "../../chain/quorum.ts";
import { readIfThere } from "../data_folder.ts";
import { fileHead, onlyRecord, recordBytes } from "./records.ts";

const MAGIC = "LCSG";
const KIND = 1;

/** What was signed last. */
export interface LastSigned {
  /** How often something new was signed. */
  readonly count: number;
  readonly height: number;
  readonly round: number;
  readonly blockId: Uint8Array;
}

/** Signs precommits, each height once. */
export class BlockSigner {
  readonly #paths: readonly [string, string];
  readonly #key: Signer;
  #last: LastSigned | undefined;

  /**
   * Open the two files in `folder`.
   *
   * @param folder Where they lie, or will.
   * @param key The validator's consensus key.
   */
  constructor(folder: string, key: Signer) {
    this.#paths = [join(folder, "signer.0"), join(folder, "signer.1")];
    this.#key = key;
    for (const path of this.#paths) {
      const found = readSlot(path);
      if (found !== undefined && found.count > (this.#last?.count ?? 0)) {
        this.#last = found;
      }
    }
  }

  /** What was signed last, or undefined if nothing was, or neither file can be read. */
  get last(): LastSigned | undefined {
    return this.#last;
  }

  /**
   * Decide a block of a chain of one: the precommit of round 0.
   *
   * @returns The certificate; the same for the same block, however often.
   * @throws {LucidError} `chain/signed-other` if another block of this height, or a later one, was signed.
   */
  certify({ chainId, height, blockId }: {
    readonly chainId: Uint8Array;
    readonly height: number;
    readonly blockId: Uint8Array<ArrayBuffer>;
  }): Certificate {
    const last = this.#last;
    const isRepeat = last?.height === height &&
      sameBytes(last.blockId, blockId);
    if (last !== undefined && last.height >= height && !isRepeat) {
      throw new LucidError(
        "chain/signed-other",
        "internal",
        `Cannot sign block ${height}: another block ${last.height} was signed before`,
      );
    }
    if (!isRepeat) {
      this.#remember({
        count: (last?.count ?? 0) + 1,
        height,
        round: 0,
        blockId,
      });
    }
    const vote = { type: VOTE_TYPES.precommit, height, round: 0, blockId };
    const signature = new Uint8Array(
      this.#key.sign(voteMessage(vote, chainId)),
    );
    return { height, round: 0, blockId, signatures: [{ index: 0, signature }] };
  }

  #remember(signed: LastSigned): void {
    const { count, height, round, blockId } = signed;
    const payload = encode([count, height, round, blockId]);
    const file = Deno.openSync(this.#paths[count % 2]!, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    try {
      const bytes = joinBytes(fileHead(MAGIC), recordBytes(KIND, payload));
      let written = 0;
      while (written < bytes.length) {
        written += file.writeSync(bytes.subarray(written));
      }
      file.syncSync();
    } finally {
      file.close();
    }
    this.#last = signed;
  }
}

function readSlot(path: string): LastSigned | undefined {
  const bytes = readIfThere(path);
  const payload = bytes && onlyRecord(bytes, { magic: MAGIC, kind: KIND });
  if (payload === undefined) return undefined;
  const [count, height, round, blockId] = asArray(
    decode(payload),
    "a signer's slot",
    4,
  );
  return {
    count: asInteger(count, "count of a signer's slot"),
    height: asInteger(height, "height of a signer's slot"),
    round: asInteger(round, "round of a signer's slot"),
    blockId: asBytes(blockId, "blockId of a signer's slot", HASH_BYTES),
  };
}
