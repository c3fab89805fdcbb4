/**
 * The chain of one node: entries wait here, and once a slot they become a block. Whatever it says was decided is on
 * disk; the files in its folder are the only truth.
 *
 * @module
 */
import { type Clock, type Log, LucidError } from "@lucid/runtime";
import type { Block } from "../../chain/block.ts";
import { decodeEntry, type Entry, entryId } from "../../chain/entry.ts";
import { FormatError } from "../../chain/error.ts";
import type { Bytes } from "../../chain/hash.ts";
import { slotOf } from "../../chain/header.ts";
import type { SessionName } from "../../chain/session.ts";
import { BlockMaker, type CrashPoint } from "./block_maker.ts";
import {
  type DecidedBlock,
  decidedEntry,
  DecidedLog,
  type EntryPlace,
} from "./decided_log.ts";
import {
  type ChainKeys,
  checkKeeper,
  type ChosenParams,
  foundChain,
} from "./founding.ts";
import { LogFile } from "./log_file.ts";
import { Pending } from "./pending.ts";

/** A step of the clock at start that is worth a line in the log. */
const FORWARD_STEP_MS = 60 * 60 * 1000;

/** A step of the clock that nobody believes without being told: a year. */
const FORWARD_STEP_MS_MAX = 365 * 24 * 60 * 60 * 1000;

/** What a chain is opened with. */
export interface ChainOptions {
  /** Folder of its files; made if there is none. */
  readonly dir: string;
  readonly keys: ChainKeys;
  /** What a new chain is made with; an old one keeps its own. */
  readonly genesis: ChosenParams;
  readonly clock: Pick<Clock, "now" | "after">;
  readonly log: Log;
  /**
   * Called for every block once it is on disk. Not for those already decided when the chain opens: ask
   * {@linkcode Chain.find} for what was submitted before.
   */
  onDecided(block: DecidedBlock): void;
  /** Called for every entry that waited and that no block can include any more. */
  onStruck?(entryId: Bytes, because: string): void;
  /** Called right after each crash point. */
  points?(point: CrashPoint): void;
}

/**
 * Open a node's chain and begin to make blocks.
 *
 * @throws {LucidError} `chain/log-damaged`, `chain/foreign-key`, `chain/log-behind` where the files do not allow it.
 */
export function openChain(options: ChainOptions): Chain {
  return new Chain(options);
}

/** A node's chain: what is decided, and what makes it grow. */
export class Chain extends DecidedLog {
  readonly #options: ChainOptions;
  readonly #file: LogFile;
  readonly #maker: BlockMaker;
  readonly #pending: Pending;
  #waitingFor: string | undefined;
  #acceptsYears = false;
  #callOff = () => {};

  /** @see {@linkcode openChain} */
  constructor(options: ChainOptions) {
    const { dir, keys, clock, log } = options;
    Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = new LogFile(dir, { makeGenesis: () => foundChain(options) });
    super(file);
    this.#options = options;
    this.#file = file;
    this.#pending = new Pending(file.ledger);
    try {
      if (file.tornBytes > 0) {
        const { tornBytes: cutBytes, height } = file;
        log.warn("chain log torn", { cutBytes, height });
      }
      checkKeeper(this.genesis, keys.consensus);
      this.#maker = new BlockMaker(file, {
        dir,
        key: keys.consensus,
        log,
        points: (point) => options.points?.(point),
      });
    } catch (error) {
      file.close();
      throw error;
    }
    const aheadMs = clock.now() - this.#tipTimeMs;
    if (this.height > 0 && aheadMs > FORWARD_STEP_MS) {
      log.info("chain was off", { aheadMs, height: this.height });
    }
    this.#schedule();
  }

  /** Entries that wait for a block. */
  get pendingCount(): number {
    return this.#pending.count;
  }

  /** Why no block is made though it would be time: a sentence for `/health`, or undefined if nothing is wrong. */
  get waitingFor(): string | undefined {
    return this.#waitingFor;
  }

  /**
   * Hand in an entry for the next block. Doing it twice changes nothing.
   *
   * @returns Its id and, if the log has it already, where.
   * @throws {LucidError} With the code of the ledger's refusal; `chain/malformed`; `chain/interim-pending` while an
   * interim anchor of the same session waits; `chain/busy`.
   */
  submit(bytes: Uint8Array): { entryId: Bytes; decided?: EntryPlace } {
    const entry = readEntry(bytes);
    const id = entryId(entry);
    const decided = this.find(id);
    if (decided !== undefined) return { entryId: id, decided };
    this.#pending.add(entry, { timeMs: this.#options.clock.now() });
    return { entryId: id };
  }

  /** The bytes of an entry that waits for a block, by its id. */
  pendingEntry(id: Uint8Array): Uint8Array | undefined {
    return this.#pending.get(id)?.bytes;
  }

  /** Whether an interim anchor of a session waits for a block. */
  isInterimPending(name: SessionName): boolean {
    return this.#pending.hasInterim(name);
  }

  /** Believe the clock though it is more than a year ahead of the newest block: an operator has looked. */
  acceptClock(): void {
    this.#acceptsYears = true;
  }

  /** Stop making blocks and give the files free. */
  close(): void {
    this.#callOff();
    this.#file.close();
  }

  get #tipTimeMs(): number {
    return this.#file.ledger.header?.timeMs ?? this.genesis.params.t0Ms;
  }

  #schedule(): void {
    const { clock } = this.#options;
    const { params } = this.genesis;
    const now = clock.now();
    const nextSlotMs = params.t0Ms + (slotOf(now, params) + 1) * params.slotMs;
    this.#callOff = clock.after(Math.max(1, nextSlotMs - now), () => {
      this.#tick();
      this.#schedule();
    });
  }

  #tick(): void {
    const timeMs = this.#options.clock.now();
    this.#wait(this.#clockTrouble(timeMs));
    if (this.#waitingFor !== undefined) return;
    const { params } = this.genesis;
    const passed = slotOf(timeMs, params) -
      (this.#file.ledger.header?.slot ?? 0);
    const isDue = this.#maker.hasProposal || this.#pending.count > 0 ||
      passed >= params.emptyBlockEverySlots;
    if (passed < 1 || !isDue) return;
    const block = this.#tryToMake(timeMs);
    if (block !== undefined) this.#announce(block);
  }

  #tryToMake(timeMs: number): Block | undefined {
    try {
      return this.#maker.make(this.#pending.entries, { timeMs });
    } catch (error) {
      // Most of all a full disk: the same proposal is tried again in the next slot.
      const why = error instanceof Error ? error.message : error;
      this.#wait(`Cannot make block ${this.height + 1}: ${why}`);
      return undefined;
    }
  }

  #clockTrouble(timeMs: number): string | undefined {
    const aheadMs = timeMs - this.#tipTimeMs;
    if (aheadMs < 0) {
      return `Cannot make a block: the clock is ${-aheadMs} ms behind the newest one; set it right, or wait`;
    }
    if (aheadMs <= FORWARD_STEP_MS_MAX || this.#acceptsYears) return undefined;
    return "Cannot make a block: the clock is more than a year ahead of the newest one; set it right, or start once " +
      "with LUCID_ACCEPT_CLOCK=yes";
  }

  #wait(reason: string | undefined): void {
    if (reason !== undefined && reason !== this.#waitingFor) {
      this.#options.log.error("chain waits", { reason });
    }
    this.#waitingFor = reason;
  }

  #announce({ header, blockId, entries, ids }: Block): void {
    const { height, slot, timeMs, firstIndex } = header;
    const { log } = this.#options;
    for (const { id, refusal } of this.#pending.settle(ids, { timeMs })) {
      const { refused: code, because } = refusal;
      log.warn("entry struck", { id: id.toHex(), code, because });
      this.#options.onStruck?.(id, because);
    }
    log.info("block decided", { height, entries: entries.length });
    this.#options.onDecided({
      height,
      blockId,
      slot,
      timeMs,
      entries: entries.map((bytes, at) =>
        decidedEntry(bytes, { index: firstIndex + at, height })
      ),
    });
    this.#options.points?.("between-blocks");
  }
}

function readEntry(bytes: Uint8Array): Entry {
  try {
    return decodeEntry(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LucidError("chain/malformed", "invalid", error.message, {
      cause: error,
    });
  }
}
