/**
 * What a chain has decided, as others ask for it: entries and blocks by place or id, sessions' anchors, trust and proof
 * files.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { decodeEntry, entryId } from "../../chain/entry.ts";
import type { Genesis } from "../../chain/genesis.ts";
import type { Bytes } from "../../chain/hash.ts";
import { blockIdOf } from "../../chain/header.ts";
import { proofFileText } from "../../chain/proof.ts";
import type { Session, SessionName } from "../../chain/session.ts";
import { trustFileText } from "../../chain/trust.ts";
import type { LogFile } from "./log_file.ts";

/** An entry in the log. */
export interface DecidedEntry {
  readonly index: number;
  readonly height: number;
  /** As {@linkcode entryId}. */
  readonly id: Bytes;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** A block in the log. */
export interface DecidedBlock {
  readonly height: number;
  readonly blockId: Bytes;
  readonly slot: number;
  readonly timeMs: number;
  /** Commit entry first (from height 2 on), header last. */
  readonly entries: readonly DecidedEntry[];
}

/** Where the log has an entry. */
export interface EntryPlace {
  readonly height: number;
  readonly index: number;
  readonly blockId: Bytes;
}

/** A leaf and where it was anchored. */
export interface ProofRequest {
  /** ULID. */
  readonly session: string;
  /** The bytes of the leaf. */
  readonly leaf: Uint8Array;
  /** From the leaf to the session's root, over the leaves that the anchor counts. */
  readonly leafPath: Uint8Array;
  /** Index of the anchor's entry in the log. */
  readonly anchorIndex: number;
}

/** The decided part of a chain. Everything in it is on disk. */
export class DecidedLog {
  readonly #log: LogFile;

  /** @param log Open; whoever opened it closes it. */
  constructor(log: LogFile) {
    this.#log = log;
  }

  /** H(0x00 ‖ entry 0). */
  get chainId(): Bytes {
    return this.#log.ledger.chainId;
  }

  /** Entry 0, taken apart. */
  get genesis(): Genesis {
    return this.#log.ledger.genesis;
  }

  /** Height of the newest block; 0 while there is only the genesis. */
  get height(): number {
    return this.#log.height;
  }

  /** Id of the newest block. */
  get blockId(): Bytes {
    return this.#log.ledger.blockId;
  }

  /** Entries in the log. */
  get entryCount(): number {
    return this.#log.ledger.entryCount;
  }

  /** Where the log has an entry, by its id. */
  find(id: Uint8Array): EntryPlace | undefined {
    const index = this.#log.indexOf(id);
    if (index === undefined) return undefined;
    const height = this.#log.index.heightOf(index);
    return {
      height,
      index,
      blockId: blockIdOf(this.#log.block(height)!.headerBytes),
    };
  }

  /** Root over all entries of the log. */
  root(): Bytes {
    return this.#log.index.tree.root();
  }

  /** The newest anchor of a session in the log: how many leaves it counts, where it stands, whether it is final. */
  anchorOf(name: SessionName): Session | undefined {
    return this.#log.ledger.session(name);
  }

  /** A block, by its height ≥ 1. */
  block(height: number): DecidedBlock | undefined {
    const found = this.#log.block(height);
    if (found === undefined) return undefined;
    const { header, headerBytes, firstIndex } = found;
    const count = header.preSize - firstIndex + 1;
    return {
      height,
      blockId: blockIdOf(headerBytes),
      slot: header.slot,
      timeMs: header.timeMs,
      entries: Array.from(
        { length: count },
        (_, at) => this.entry(firstIndex + at)!,
      ),
    };
  }

  /** A block, by its id. */
  blockById(blockId: Uint8Array): DecidedBlock | undefined {
    const height = this.#log.index.heightOfBlock(blockId);
    return height === undefined ? undefined : this.block(height);
  }

  /** An entry, by its index in the log. */
  entry(index: number): DecidedEntry | undefined {
    const bytes = this.#log.entry(index);
    return bytes &&
      decidedEntry(bytes, { index, height: this.#log.index.heightOf(index) });
  }

  /** The text of the chain's trust file, at its genesis. */
  trust(): string {
    return trustFileText(this.#log.entry(0)!);
  }

  /**
   * The text of a proof file, certified by the block that holds the anchor.
   *
   * @throws {LucidError} `chain/not-anchored` if there is no anchor at that index.
   */
  proof({ session, leaf, leafPath, anchorIndex }: ProofRequest): string {
    const anchor = this.entry(anchorIndex);
    if (anchor === undefined || anchor.height === 0) {
      throw new LucidError(
        "chain/not-anchored",
        "missing",
        `Cannot prove a leaf: entry ${anchorIndex} is no anchor`,
      );
    }
    const { header, headerBytes } = this.#log.block(anchor.height)!;
    return proofFileText({
      chainId: this.chainId,
      sessionId: session,
      leaf: new Uint8Array(leaf),
      leafPath: new Uint8Array(leafPath),
      anchor: new Uint8Array(anchor.bytes),
      anchorIndex,
      anchorPath: this.#log.index.tree.path(anchorIndex, header.preSize),
      certified: [{
        bytes: headerBytes,
        certificate: this.#log.certificate(anchor.height),
        validators: this.genesis.validators,
      }],
    });
  }
}

/** An entry of the log, with its name. */
export function decidedEntry(
  bytes: Uint8Array,
  { index, height }: Pick<DecidedEntry, "index" | "height">,
): DecidedEntry {
  const entry = decodeEntry(bytes);
  return { index, height, id: entryId(entry), type: entry.type, bytes };
}
