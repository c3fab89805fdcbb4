/**
 * The chain of one node: entries wait here, and once a slot they become a block. Whatever this says was decided is on
 * disk; the files in the folder are the only truth, and after a crash they lead to the same bytes again.
 *
 *     wal (the proposal, durable) → signer slot (durable) → signature → log (durable) → onDecided
 *
 * Making a block is synchronous: nothing comes between its steps but a crash.
 *
 * @module
 */
import { join } from "node:path";
import { type Clock, type Log, LucidError } from "@lucid/runtime";
import { readAnchor } from "../../chain/anchor.ts";
import { asArray, asBytes, decode, encode } from "../../chain/canonical.ts";
import type { Session } from "../../chain/draft.ts";
import {
  decodeEntry,
  type Entry,
  entryId,
  type Signer,
} from "../../chain/entry.ts";
import { FormatError } from "../../chain/error.ts";
import {
  encodeGenesis,
  type Genesis,
  type Params,
} from "../../chain/genesis.ts";
import { type Bytes, join as joinBytes, sameBytes } from "../../chain/hash.ts";
import { blockIdOf, decodeHeader, slotOf } from "../../chain/header.ts";
import type { Block } from "../../chain/ledger.ts";
import { proofFileText } from "../../chain/proof.ts";
import { trustFileText } from "../../chain/trust.ts";
import { readIfThere, writeDurably } from "../data_folder.ts";
import { BlockSigner } from "./block_signer.ts";
import { LogFile } from "./log_file.ts";
import { fileHead, onlyRecord, recordBytes } from "./records.ts";

/** Entries that may wait for a block: at 500 B each, four blocks full. */
const PENDING_MAX = 4_096;

/** What a new chain allows: a C2SP bundle's entry, and a block that fits a NATS message of 1 MiB. */
const LIMITS: Params["limits"] = {
  userEntryBytes: 16 * 1024,
  entryBytes: 65_535,
  blockBytes: 768 * 1024,
  expiryBlocks: 8_640,
};

/** A step of the clock at start that is worth a line in the log. */
const FORWARD_STEP_MS = 60 * 60 * 1000;

/** A step of the clock that nobody believes without being told: a year. */
const FORWARD_STEP_MS_MAX = 365 * 24 * 60 * 60 * 1000;

const WAL = { magic: "LCWL", kind: 1 } as const;

/** Moments at which a crash test may end the process. */
export type CrashPoint =
  | "wal-record"
  | "signed"
  | "log-append"
  | "between-blocks";

/** What a chain is opened with. */
export interface ChainOptions {
  /** Folder of its files; made if there is none. */
  readonly dir: string;
  readonly keys: {
    readonly consensus: Signer;
    readonly vrf: Signer;
    readonly cosign: Signer;
    readonly node: Signer;
  };
  /** What a new chain is made with; an old one keeps its own. */
  readonly genesis: Pick<
    Params,
    "network" | "slotMs" | "epochBlocks" | "emptyBlockEverySlots"
  >;
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

/** What names a session in the log. */
export type SessionName = Pick<Session, "recorderKey" | "sessionId">;

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

/**
 * Open a node's chain and begin to make blocks.
 *
 * @throws {LucidError} `chain/log-damaged`, `chain/foreign-key`, `chain/log-behind` when the files do not allow it.
 */
export function openChain(options: ChainOptions): Chain {
  return new Chain(options);
}

/** A node's chain. */
export class Chain {
  readonly #options: ChainOptions;
  readonly #log: LogFile;
  readonly #signer: BlockSigner;
  readonly #walPath: string;
  readonly #pending = new Map<string, Entry>();
  readonly #entryIndex = new Map<string, number>();
  readonly #blockHeight = new Map<string, number>();
  #proposal: Block | undefined;
  #waitingFor: string | undefined;
  #acceptsYears = false;
  #callOff = () => {};

  /** @see {@linkcode openChain} */
  constructor(options: ChainOptions) {
    const { dir, keys, log } = options;
    Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#options = options;
    this.#walPath = join(dir, "wal");
    this.#log = new LogFile(dir, {
      makeGenesis: () => newGenesis(options),
      onBlock: (block, firstIndex) => this.#index(block, firstIndex),
    });
    try {
      if (this.#log.tornBytes > 0) {
        log.warn("chain log torn", {
          cutBytes: this.#log.tornBytes,
          height: this.height,
        });
      }
      checkKey(this.genesis, keys.consensus);
      this.#signer = new BlockSigner(dir, keys.consensus);
      this.#recover();
    } catch (error) {
      this.#log.close();
      throw error;
    }
    const aheadMs = options.clock.now() - this.#tipTimeMs;
    if (this.height > 0 && aheadMs > FORWARD_STEP_MS) {
      log.info("chain was off", { aheadMs, height: this.height });
    }
    this.#schedule();
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

  /** Entries that wait for a block. */
  get pendingCount(): number {
    return this.#pending.size;
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
    if (this.#pending.has(id.toHex())) return { entryId: id };
    const refusal =
      this.#log.ledger.admit(entry, { timeMs: this.#options.clock.now() }) ??
        this.#refuseForNow(entry);
    if (refusal !== undefined) {
      throw new LucidError(refusal.refused, kindOf(refusal), refusal.because);
    }
    if (this.#pending.size >= PENDING_MAX) {
      throw new LucidError(
        "chain/busy",
        "exhausted",
        `Cannot take the entry: ${PENDING_MAX} wait already`,
      );
    }
    this.#pending.set(id.toHex(), entry);
    return { entryId: id };
  }

  /** Where the log has an entry, by its id. */
  find(id: Uint8Array): EntryPlace | undefined {
    const index = this.#entryIndex.get(id.toHex());
    if (index === undefined) return undefined;
    const height = this.#log.heightOf(index);
    return {
      height,
      index,
      blockId: blockIdOf(this.#log.block(height)!.headerBytes),
    };
  }

  /** Root over all entries of the log. */
  root(): Bytes {
    return this.#log.tree.root();
  }

  /** The bytes of an entry that waits for a block, by its id. */
  pendingEntry(id: Uint8Array): Uint8Array | undefined {
    return this.#pending.get(id.toHex())?.bytes;
  }

  /** The newest anchor of a session in the log: how many leaves it counts, where it stands, whether it is final. */
  anchorOf(name: SessionName): Session | undefined {
    return this.#log.ledger.session(name);
  }

  /** Whether an interim anchor of a session waits for a block. */
  isInterimPending({ recorderKey, sessionId }: SessionName): boolean {
    return [...this.#pending.values()].some((entry) => {
      const anchor = readAnchor(entry);
      return anchor.kind === "interim" &&
        sameBytes(anchor.recorderKey, recorderKey) &&
        anchor.rows.some((row) => row.sessionId === sessionId);
    });
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
    const height = this.#blockHeight.get(blockId.toHex());
    return height === undefined ? undefined : this.block(height);
  }

  /** An entry, by its index in the log. */
  entry(index: number): DecidedEntry | undefined {
    const bytes = this.#log.entry(index);
    return bytes && decidedEntry(bytes, index, this.#log.heightOf(index));
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
      anchorPath: this.#log.tree.path(anchorIndex, header.preSize),
      certified: [{
        bytes: headerBytes,
        certificate: this.#log.certificate(anchor.height),
        validators: this.genesis.validators,
      }],
    });
  }

  /** Believe the clock though it is more than a year ahead of the newest block: an operator has looked. */
  acceptClock(): void {
    this.#acceptsYears = true;
  }

  /** Stop making blocks and give the files free. */
  close(): void {
    this.#callOff();
    this.#log.close();
  }

  get #tipTimeMs(): number {
    return this.#log.ledger.header?.timeMs ?? this.genesis.params.t0Ms;
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
    const slot = slotOf(timeMs, this.genesis.params);
    const passed = slot - (this.#log.ledger.header?.slot ?? 0);
    const isDue = this.#proposal !== undefined || this.#pending.size > 0 ||
      passed >= this.genesis.params.emptyBlockEverySlots;
    if (passed < 1 || !isDue) return;
    const decided = this.#tryToDecide(timeMs);
    if (decided !== undefined) this.#announce(decided);
  }

  #tryToDecide(timeMs: number): Decided | undefined {
    try {
      this.#proposal ??= this.#propose(timeMs);
      return this.#decide(this.#proposal);
    } catch (error) {
      // Most of all a full disk: the same proposal is tried again in the next slot.
      this.#wait(
        `Cannot make block ${this.height + 1}: ${
          error instanceof Error ? error.message : error
        }`,
      );
      return undefined;
    }
  }

  #clockTrouble(timeMs: number): string | undefined {
    const aheadMs = timeMs - this.#tipTimeMs;
    if (aheadMs < 0) {
      return `Cannot make a block: the clock is ${-aheadMs} ms behind the newest one; set it right, or wait`;
    }
    if (aheadMs <= FORWARD_STEP_MS_MAX || this.#acceptsYears) return undefined;
    return "Cannot make a block: the clock is more than a year ahead of the newest one; set it right, or accept it";
  }

  #wait(reason: string | undefined): void {
    if (reason !== undefined && reason !== this.#waitingFor) {
      this.#options.log.error("chain waits", { reason });
    }
    this.#waitingFor = reason;
  }

  /** Build the next block and make it durable: from here on it is this one or none. */
  #propose(timeMs: number): Block {
    const { ledger } = this.#log;
    const certificate = this.height === 0
      ? undefined
      : this.#log.certificate(this.height);
    const block = ledger.build({
      entries: [...this.#pending.values()],
      timeMs,
      certificate,
    });
    writeDurably(
      this.#walPath,
      joinBytes(
        fileHead(WAL.magic),
        recordBytes(WAL.kind, encode(block.entries)),
      ),
    );
    this.#options.points?.("wal-record");
    return block;
  }

  /** Sign, append, take in: the block is decided when this returns. */
  #decide(block: Block): Decided {
    const { header: { height }, blockId } = block;
    const certificate = this.#signer.certify({
      chainId: this.chainId,
      height,
      blockId,
    });
    this.#options.points?.("signed");
    const firstIndex = this.entryCount;
    this.#log.append(block, certificate);
    this.#options.points?.("log-append");
    this.#proposal = undefined;
    this.#index(block, firstIndex);
    return { block, firstIndex };
  }

  #announce({ block, firstIndex }: Decided): void {
    const { header: { height, slot, timeMs }, blockId } = block;
    const entries = block.entries.map((bytes, at) =>
      decidedEntry(bytes, firstIndex + at, height)
    );
    for (const { id } of entries) this.#pending.delete(id.toHex());
    this.#strikeRefused(timeMs);
    this.#options.log.info("block decided", {
      height,
      entries: entries.length,
    });
    this.#options.onDecided({ height, blockId, slot, timeMs, entries });
    this.#options.points?.("between-blocks");
  }

  /** What the new block made impossible need not wait; what only came too early, or found no room, does. */
  #strikeRefused(timeMs: number): void {
    for (const [id, entry] of this.#pending) {
      const refusal = this.#log.ledger.admit(entry, { timeMs });
      if (refusal === undefined || refusal.refused === "chain/ends-later") {
        continue;
      }
      this.#pending.delete(id);
      this.#options.log.warn("entry struck", {
        id,
        code: refusal.refused,
        because: refusal.because,
      });
      this.#options.onStruck?.(entryId(entry), refusal.because);
    }
  }

  #index(
    { header: { height }, blockId, entries }: Block,
    firstIndex: number,
  ): void {
    this.#blockHeight.set(blockId.toHex(), height);
    entries.forEach((bytes, at) => {
      const entry = decodeEntry(bytes);
      if (entry.signatures.length > 0) {
        this.#entryIndex.set(entryId(entry).toHex(), firstIndex + at);
      }
    });
  }

  /** Finish the block that a crash interrupted, with the same bytes. */
  #recover(): void {
    const next = this.height + 1;
    const proposal = this.#proposal = this.#readWal();
    const signed = this.#signer.last;
    const isKnown = signed === undefined || signed.height < next ||
      (signed.height === next && proposal !== undefined &&
        sameBytes(signed.blockId, proposal.blockId));
    if (!isKnown) {
      throw new LucidError(
        "chain/log-behind",
        "conflict",
        `Cannot go on with the chain: block ${signed.height} was signed here, but the log ends at ${this.height}; ` +
          `put the newer files "log" and "wal" back into ${this.#options.dir}, or, only if no proof or trust file ` +
          `names a block above ${this.height}, remove "signer.0" and "signer.1" there`,
      );
    }
    if (this.#proposal === undefined) return;
    this.#options.log.info("block resumed", { height: next });
    this.#decide(this.#proposal);
  }

  /** The proposal in the WAL, if it is for the next block. */
  #readWal(): Block | undefined {
    const bytes = readIfThere(this.#walPath);
    if (bytes === undefined) return undefined;
    const payload = onlyRecord(bytes, WAL);
    if (payload === undefined) {
      this.#options.log.warn("chain wal not sound", { path: this.#walPath });
      return undefined;
    }
    const entries = asArray(decode(payload), "a proposal").map((entry) =>
      asBytes(entry, "an entry of a proposal")
    );
    // After an orderly end it is the proposal of a block that the log already has.
    if (decodeHeader(entries.at(-1)!).height !== this.height + 1) {
      return undefined;
    }
    return this.#log.ledger.check(entries);
  }

  #refuseForNow(
    entry: Entry,
  ): { refused: string; because: string } | undefined {
    const anchor = readAnchor(entry);
    if (anchor.kind !== "final") return undefined;
    if (!this.isInterimPending(anchor)) return undefined;
    const because =
      `Cannot take the final anchor of session ${anchor.sessionId}: an interim one of it waits for a block`;
    return { refused: "chain/interim-pending", because };
  }
}

/** A block that is on disk, and the index of its first entry. */
interface Decided {
  readonly block: Block;
  readonly firstIndex: number;
}

function newGenesis({ keys, genesis, clock }: ChainOptions): Bytes {
  const key = (signer: Signer) => new Uint8Array(signer.publicKey);
  return encodeGenesis({
    params: { ...genesis, t0Ms: clock.now(), limits: LIMITS },
    validators: [{
      consensusKey: key(keys.consensus),
      vrfKey: key(keys.vrf),
      cosignKey: key(keys.cosign),
    }],
    nodes: [key(keys.node)],
  });
}

function checkKey({ validators }: Genesis, { publicKey }: Signer): void {
  const [{ consensusKey }] = validators as [Genesis["validators"][number]];
  if (sameBytes(consensusKey, publicKey)) return;
  throw new LucidError(
    "chain/foreign-key",
    "conflict",
    `Cannot go on with the chain: its validator is ${consensusKey.toHex()}, this node's consensus key is ` +
      `${
        new Uint8Array(publicKey).toHex()
      }; put the right key back, or start a successor chain`,
  );
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

function kindOf(
  { refused }: { readonly refused: string },
): "conflict" | "invalid" {
  const conflicts = [
    "chain/decided",
    "chain/already-final",
    "chain/wrong-interim",
    "chain/not-grown",
  ];
  return [
      ...conflicts,
      "chain/expired",
      "chain/ends-later",
      "chain/interim-pending",
    ].includes(refused)
    ? "conflict"
    : "invalid";
}

function decidedEntry(
  bytes: Uint8Array,
  index: number,
  height: number,
): DecidedEntry {
  const entry = decodeEntry(bytes);
  return { index, height, id: entryId(entry), type: entry.type, bytes };
}
