/**
 * Making blocks. Whatever this says was decided is on disk, and after a crash the same bytes come of it again:
 *
 *     wal (the proposal, durable) → signer slot (durable) → signature → log (durable)
 *
 * Making a block is synchronous: nothing comes between its steps but a crash.
 *
 * @module
 */
import { join } from "node:path";
import { type Log, LucidError } from "@lucid/runtime";
import type { Block } from "../../chain/block.ts";
import type { Entry, Signer } from "../../chain/entry.ts";
import { sameBytes } from "../../chain/hash.ts";
import { BlockSigner } from "./block_signer.ts";
import type { LogFile } from "./log_file.ts";
import { readProposal, writeProposal } from "./wal.ts";

/** Moments at which a crash test may end the process. */
export type CrashPoint =
  | "wal-record"
  | "signed"
  | "log-append"
  | "between-blocks";

/** What blocks are made with. */
export interface BlockMakerOptions {
  /** Folder of the files beside the log. */
  readonly dir: string;
  /** The consensus key. */
  readonly key: Signer;
  readonly log: Log;
  /** Called right after each crash point. */
  points(point: CrashPoint): void;
}

/** Makes the blocks of a chain of one. */
export class BlockMaker {
  readonly #file: LogFile;
  readonly #options: BlockMakerOptions;
  readonly #signer: BlockSigner;
  readonly #walPath: string;
  #proposal: Block | undefined;

  /**
   * Go on behind a log, and finish the block that a crash interrupted.
   *
   * @throws {LucidError} `chain/log-behind` if a block was signed here that neither log nor WAL has.
   */
  constructor(file: LogFile, options: BlockMakerOptions) {
    this.#file = file;
    this.#options = options;
    this.#signer = new BlockSigner(options.dir, options.key);
    this.#walPath = join(options.dir, "wal");
    this.#recover();
  }

  /** Whether a proposal is on disk: the next block is that one or none. */
  get hasProposal(): boolean {
    return this.#proposal !== undefined;
  }

  /**
   * Make the next block.
   *
   * @param entries In the order of arrival; no matter where there is a proposal.
   * @throws Most of all on a full disk; called again, it goes on with the same proposal.
   */
  make(
    entries: readonly Entry[],
    { timeMs }: { readonly timeMs: number },
  ): Block {
    this.#proposal ??= this.#propose(entries, timeMs);
    return this.#decide(this.#proposal);
  }

  #propose(entries: readonly Entry[], timeMs: number): Block {
    const { ledger, height } = this.#file;
    const certificate = height === 0
      ? undefined
      : this.#file.certificate(height);
    const block = ledger.build({ entries, timeMs, certificate });
    writeProposal(this.#walPath, block);
    this.#options.points("wal-record");
    return block;
  }

  #decide(block: Block): Block {
    const { header: { chainId, height }, blockId } = block;
    const certificate = this.#signer.certify({ chainId, height, blockId });
    this.#options.points("signed");
    this.#file.append(block, certificate);
    this.#options.points("log-append");
    this.#proposal = undefined;
    return block;
  }

  #recover(): void {
    const { dir, log } = this.#options;
    const { ledger, height } = this.#file;
    this.#proposal = readProposal(this.#walPath, { ledger, log });
    const signed = this.#signer.last;
    const isKnown = signed === undefined || signed.height <= height ||
      (this.#proposal !== undefined &&
        sameBytes(signed.blockId, this.#proposal.blockId));
    if (!isKnown) {
      throw new LucidError(
        "chain/log-behind",
        "conflict",
        `Cannot go on with the chain: block ${signed.height} was signed here, but the log ends at ${height}; ` +
          `put the newer files "log" and "wal" back into ${dir}, or, only if no proof or trust file ` +
          `names a block above ${height}, remove "signer.0" and "signer.1" there`,
      );
    }
    if (this.#proposal === undefined) return;
    log.info("block resumed", { height: height + 1 });
    this.#decide(this.#proposal);
  }
}
