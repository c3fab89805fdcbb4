/**
 * What the log means so far: the state folded from its decided entries, and the rules by which the next block grows
 * from it. Everything here follows from the entries alone; two nodes with one log have one ledger.
 *
 * A block is right if it is the very one that its entries and its time lead to: {@linkcode Ledger.check} builds it
 * again and compares bytes, so there is one description of a block, not two.
 *
 * This version keeps chains of one validator; certificates and proofs of larger sets are already understood.
 *
 * @module
 */
import { type Block, closeBlock } from "./block.ts";
import { decodeCommit, encodeCommit } from "./commit.ts";
import { Draft, type Tip } from "./draft.ts";
import { decodeEntry, type Entry } from "./entry.ts";
import { require } from "./error.ts";
import { ExpiringIds } from "./expiring_ids.ts";
import { chainIdOf, decodeGenesis, type Genesis } from "./genesis.ts";
import { type Bytes, sameBytes } from "./hash.ts";
import { decodeHeader, type Header } from "./header.ts";
import { append, type Frontier } from "./merkle.ts";
import { type Certificate, checkCertificate } from "./quorum.ts";
import type { Refusal } from "./refusal.ts";
import { keyOf, type Session, type SessionName } from "./session.ts";
import { SignatureMemory } from "./signature_memory.ts";

/** A ledger at some height. */
export class Ledger {
  /** The chain's id. */
  readonly chainId: Bytes;
  /** Entry 0, taken apart. */
  readonly genesis: Genesis;
  #tip: Tip;
  #frontier: Frontier;
  #entryCount = 1;
  /** By recorder key and session. */
  readonly #sessions = new Map<string, Session>();
  readonly #decided = new ExpiringIds();
  readonly #signatures = new SignatureMemory();
  #newest: { readonly block: Block; readonly draft: Draft } | undefined;

  /**
   * The ledger of a chain that has only its genesis.
   *
   * @param genesis Entry 0.
   * @throws {FormatError} If it is none, or names more than one validator.
   */
  constructor(genesis: Uint8Array) {
    this.genesis = decodeGenesis(genesis);
    require(
      this.genesis.validators.length === 1,
      "Cannot keep this chain: this version keeps chains of one validator",
    );
    this.chainId = chainIdOf(genesis);
    this.#tip = { blockId: this.chainId };
    this.#frontier = append([], 0, genesis);
  }

  /** Height of the newest block; 0 after the genesis. */
  get height(): number {
    return this.#tip.header?.height ?? 0;
  }

  /** Header of the newest block, absent at height 0. */
  get header(): Header | undefined {
    return this.#tip.header;
  }

  /** Id of the newest block. */
  get blockId(): Bytes {
    return this.#tip.blockId;
  }

  /** How many entries the log has. */
  get entryCount(): number {
    return this.#entryCount;
  }

  /** The newest anchor of a session, or undefined where it has none. */
  session(name: SessionName): Session | undefined {
    return this.#sessions.get(keyOf(name));
  }

  /**
   * Whether an entry could go into the next block if that were made now.
   *
   * @param entry As read from its bytes; its signature is checked once, however often this is asked.
   * @param options The block's time.
   * @returns Nothing, or why not.
   */
  admit(
    entry: Entry,
    { timeMs }: { readonly timeMs: number },
  ): Refusal | undefined {
    return this.#draft().admit(entry, timeMs);
  }

  /**
   * Make the next block.
   *
   * @param options `entries`: in the order of arrival; those refused, or too many for one block, are left out.
   * `certificate`: of the newest block, absent at height 0.
   * @throws {FormatError} If the time does not lie in a slot after the newest block's.
   */
  build(
    { entries, timeMs, certificate }: {
      readonly entries: readonly Entry[];
      readonly timeMs: number;
      readonly certificate: Certificate | undefined;
    },
  ): Block {
    const draft = this.#begin(certificate);
    for (const entry of entries) {
      if (draft.hasRoom(entry)) draft.admit(entry, timeMs);
    }
    return this.#finish(draft, timeMs);
  }

  /**
   * Refuse a block that is not the next one.
   *
   * @throws {FormatError} Saying what is wrong.
   */
  check(entries: readonly Uint8Array[]): Block {
    const header = decodeHeader(entries.at(-1) ?? new Uint8Array());
    const what = `Cannot accept block ${header.height}`;
    const certificate = this.height === 0
      ? undefined
      : decodeCommit(entries[0]!).certificate;
    const draft = this.#begin(certificate);
    for (const bytes of entries.slice(certificate === undefined ? 0 : 1, -1)) {
      const entry = decodeEntry(bytes);
      require(
        draft.hasRoom(entry),
        `${what}: it is larger than the genesis allows`,
      );
      const refusal = draft.admit(entry, header.timeMs);
      require(refusal === undefined, `${what}: ${refusal?.because}`);
    }
    const block = this.#finish(draft, header.timeMs);
    const isSame = block.entries.length === entries.length &&
      block.entries.every((bytes, at) => sameBytes(bytes, entries[at]!));
    require(isSame, `${what}: the same entries lead to another block`);
    return block;
  }

  /**
   * Take a decided block in.
   *
   * @param block As {@linkcode build} or {@linkcode check} of this ledger gave it last.
   * @param certificate That decides it.
   * @throws {FormatError} If the certificate does not.
   */
  apply(block: Block, certificate: Certificate): void {
    require(
      this.#newest?.block === block,
      "Cannot apply a block that was not checked last",
    );
    const { header, blockId } = block;
    checkCertificate(certificate, this.#certified(header, blockId));
    const { draft } = this.#newest;
    for (const [key, session] of draft.sessions) {
      this.#sessions.set(key, session);
    }
    for (const [id, expiryHeight] of draft.ids) {
      this.#decided.add(id, { expiryHeight });
    }
    this.#decided.expire(header.height);
    this.#frontier = append(
      draft.frontier,
      draft.entryCount,
      block.entries.at(-1)!,
    );
    this.#entryCount = draft.entryCount + 1;
    this.#tip = { header, blockId, commit: encodeCommit(certificate) };
    this.#newest = undefined;
  }

  #draft(): Draft {
    return new Draft({
      chainId: this.chainId,
      genesis: this.genesis,
      tip: this.#tip,
      frontier: this.#frontier,
      entryCount: this.#entryCount,
      sessions: this.#sessions,
      decided: this.#decided,
      signatures: this.#signatures,
    });
  }

  /** A draft that holds what every block begins with. */
  #begin(certificate: Certificate | undefined): Draft {
    const draft = this.#draft();
    const { header, blockId, commit } = this.#tip;
    if (header === undefined) return draft;
    require(
      certificate !== undefined,
      `Cannot follow block ${header.height}: its certificate is missing`,
    );
    const bytes = encodeCommit(certificate);
    // The one that decided the block was checked then; another, of other votes, may stand in its place.
    if (!sameBytes(bytes, commit)) {
      checkCertificate(certificate, this.#certified(header, blockId));
    }
    draft.push(bytes);
    return draft;
  }

  #certified(header: Header, blockId: Bytes) {
    const { height, originRound } = header;
    return {
      chainId: this.chainId,
      validators: this.genesis.validators,
      height,
      blockId,
      originRound,
    };
  }

  #finish(draft: Draft, timeMs: number): Block {
    const block = closeBlock(draft, { timeMs });
    this.#newest = { block, draft };
    return block;
  }
}
