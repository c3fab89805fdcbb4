/**
 * A block in the making: entries taken one by one, each by the rules for its type, laid over a ledger that stays as it
 * is until the block is decided.
 *
 * @module
 */
import { type Anchor, readAnchor } from "./anchor.ts";
import { type Entry, entryId, signedHead } from "./entry.ts";
import { FormatError } from "./error.ts";
import type { ExpiringIds } from "./expiring_ids.ts";
import type { Genesis, Params } from "./genesis.ts";
import { type Bytes, sameBytes } from "./hash.ts";
import type { Header } from "./header.ts";
import { append, type Frontier } from "./merkle.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { keyOf, refuseFinal, refuseInterim, type Session } from "./session.ts";
import type { SignatureMemory } from "./signature_memory.ts";

/** Room that is kept for the header: 430 bytes with all integers at their largest, and some. */
const HEADER_BYTES_MAX = 1_024;

/** The newest block of a chain; its header and commit entry are missing after the genesis. */
export type Tip =
  & { readonly blockId: Bytes }
  & (
    | { readonly header: Header; readonly commit: Uint8Array }
    | { readonly header?: undefined; readonly commit?: undefined }
  );

/** What a draft grows from: a ledger as it is. */
export interface Ground {
  readonly chainId: Bytes;
  readonly genesis: Genesis;
  readonly tip: Tip;
  readonly frontier: Frontier;
  readonly entryCount: number;
  /** By {@linkcode keyOf}. */
  readonly sessions: ReadonlyMap<string, Session>;
  readonly decided: Pick<ExpiringIds, "has">;
  readonly signatures: SignatureMemory;
}

/** A block in the making: what it holds, and what it would change. */
export class Draft {
  readonly ground: Ground;
  /** Of the block to be. */
  readonly height: number;
  frontier: Frontier;
  entryCount: number;
  readonly entries: Uint8Array[] = [];
  readonly sessions = new Map<string, Session>();
  /** Entry ids, each with the height at which it expires. */
  readonly ids = new Map<string, number>();
  #byteCount = HEADER_BYTES_MAX;

  constructor(ground: Ground) {
    this.ground = ground;
    this.height = (ground.tip.header?.height ?? 0) + 1;
    this.frontier = ground.frontier;
    this.entryCount = ground.entryCount;
  }

  /** The sessions as they would be after this block. */
  allSessions(): ReadonlyMap<string, Session> {
    return new Map([...this.ground.sessions, ...this.sessions]);
  }

  hasRoom({ bytes }: Entry): boolean {
    return this.#byteCount + bytes.length <= this.#limits.blockBytes;
  }

  push(bytes: Uint8Array): void {
    this.frontier = append(this.frontier, this.entryCount++, bytes);
    this.entries.push(bytes);
    this.#byteCount += bytes.length;
  }

  /** Add an entry, or say why not. */
  admit(entry: Entry, timeMs: number): Refusal | undefined {
    const refusal = this.#refuse(entry) ?? this.#admitAnchor(entry, timeMs);
    if (refusal !== undefined) return refusal;
    this.ids.set(entryId(entry).toHex(), signedHead(entry).expiryHeight);
    this.push(entry.bytes);
  }

  get #limits(): Params["limits"] {
    return this.ground.genesis.params.limits;
  }

  /** What holds for an entry of any type. */
  #refuse(entry: Entry): Refusal | undefined {
    const { userEntryBytes, expiryBlocks } = this.#limits;
    if (entry.bytes.length > userEntryBytes) {
      return refuse(
        "chain/too-large",
        `${entry.bytes.length} bytes are more than ${userEntryBytes}`,
      );
    }
    if (entry.signatures.length === 0) {
      return refuse(
        "chain/wrong-type",
        `entries of type ${entry.type} are made by the chain itself`,
      );
    }
    const { chainId, expiryHeight } = signedHead(entry);
    if (!sameBytes(chainId, this.ground.chainId)) {
      return refuse(
        "chain/wrong-chain",
        `it is meant for chain ${chainId.toHex().slice(0, 8)}`,
      );
    }
    if (expiryHeight < this.height) {
      return refuse(
        "chain/expired",
        `it expired at height ${expiryHeight}, the next is ${this.height}`,
      );
    }
    if (expiryHeight > this.height + expiryBlocks) {
      return refuse(
        "chain/expires-too-late",
        `it expires at ${expiryHeight}, later than ${
          this.height + expiryBlocks
        }`,
      );
    }
    if (!this.ground.signatures.isSound(entry)) {
      return refuse(
        "chain/weak-key",
        "its key is not a point of the prime-order group",
      );
    }
    if (!this.ground.signatures.isSigned(entry)) {
      return refuse("chain/wrong-signature", "its signature is not valid");
    }
    const id = entryId(entry).toHex();
    if (this.ids.has(id) || this.ground.decided.has(id)) {
      return refuse("chain/decided", "the log has it already");
    }
  }

  #admitAnchor(entry: Entry, timeMs: number): Refusal | undefined {
    let anchor: Anchor;
    try {
      anchor = readAnchor(entry);
    } catch (error) {
      if (error instanceof FormatError) {
        return refuse("chain/malformed", error.message);
      }
      throw error;
    }
    const { recorderKey } = anchor;
    const rows = anchor.kind === "final" ? [anchor] : anchor.rows;
    const grown: [string, Session][] = [];
    for (const row of rows) {
      const key = keyOf({ recorderKey, sessionId: row.sessionId });
      const known = this.sessions.get(key) ?? this.ground.sessions.get(key);
      const refusal = "kind" in row
        ? refuseFinal(row, known, timeMs)
        : refuseInterim(row, known);
      if (refusal !== undefined) return refusal;
      const { sessionId, leafCount, root } = row;
      grown.push([key, {
        recorderKey,
        sessionId,
        leafCount,
        root,
        index: this.entryCount,
        final: anchor.kind === "final",
      }]);
    }
    for (const [key, session] of grown) this.sessions.set(key, session);
  }
}
