/**
 * A block in the making: entries taken one by one, each by the rules for its type, laid over a ledger that stays as it
 * is until the block is decided.
 *
 * @module
 */
import {
  type Anchor,
  type FinalAnchor,
  type InterimRow,
  readAnchor,
} from "./anchor.ts";
import { type Entry, entryId, signedHead } from "./entry.ts";
import { FormatError } from "./error.ts";
import type { Params } from "./genesis.ts";
import { type Bytes, sameBytes } from "./hash.ts";
import { append, type Frontier, provesConsistency } from "./merkle.ts";

/** How far the end of a recording may lie after its block's time: clocks of two machines differ by that much. */
export const CLOCK_SKEW_MS_MAX = 5_000;

/** Room that is kept for the header: 430 bytes with all integers at their largest, and some. */
const HEADER_BYTES_MAX = 1_024;

/** Why an entry cannot go into the next block. */
export interface Refusal {
  /** Stable code, `chain/reason`. */
  readonly refused: RefusalCode;
  /** For people. */
  readonly because: string;
}

/** Everything that {@linkcode Ledger.admit} may object to. */
export type RefusalCode =
  | "chain/too-large"
  | "chain/wrong-type"
  | "chain/malformed"
  | "chain/wrong-chain"
  | "chain/expired"
  | "chain/expires-too-late"
  | "chain/decided"
  | "chain/weak-key"
  | "chain/wrong-signature"
  | "chain/ends-later"
  | "chain/already-final"
  | "chain/wrong-interim"
  | "chain/not-grown";

/** What the log says of one session of one recorder. */
export interface Session {
  readonly recorderKey: Bytes;
  readonly sessionId: string;
  /** Of the newest anchor. */
  readonly leafCount: number;
  readonly root: Bytes;
  readonly index: number;
  readonly final: boolean;
}

/** What names a session in the ledger: nobody can squat another recorder's. */
export function keyOf(
  { recorderKey, sessionId }: {
    readonly recorderKey: Uint8Array;
    readonly sessionId: string;
  },
): string {
  return `${recorderKey.toHex()}${sessionId}`;
}

/** What a draft grows from. */
export interface Ground {
  readonly chainId: Uint8Array;
  /** Of the block to be. */
  readonly height: number;
  readonly limits: Params["limits"];
  readonly frontier: Frontier;
  readonly entryCount: number;
  readonly sessions: ReadonlyMap<string, Session>;
  isDecided(id: string): boolean;
  isSound(entry: Entry): boolean;
  isSigned(entry: Entry): boolean;
}

/** A block in the making: what it holds, and what it would change, laid over a ledger that stays as it is. */
export class Draft {
  readonly #ground: Ground;
  readonly height: number;
  frontier: Frontier;
  entryCount: number;
  readonly entries: Uint8Array[] = [];
  readonly sessions = new Map<string, Session>();
  /** Entry ids, each with the height at which it expires. */
  readonly ids = new Map<string, number>();
  #byteCount = HEADER_BYTES_MAX;

  constructor(ground: Ground) {
    this.#ground = ground;
    this.height = ground.height;
    this.frontier = ground.frontier;
    this.entryCount = ground.entryCount;
  }

  hasRoom({ bytes }: Entry): boolean {
    return this.#byteCount + bytes.length <=
      this.#ground.limits.blockBytes;
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

  /** What holds for an entry of any type. */
  #refuse(entry: Entry): Refusal | undefined {
    const { userEntryBytes, expiryBlocks } = this.#ground.limits;
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
    if (!sameBytes(chainId, this.#ground.chainId)) {
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
    if (!this.#ground.isSound(entry)) {
      return refuse(
        "chain/weak-key",
        "its key is not a point of the prime-order group",
      );
    }
    if (!this.#ground.isSigned(entry)) {
      return refuse("chain/wrong-signature", "its signature is not valid");
    }
    const id = entryId(entry).toHex();
    if (this.ids.has(id) || this.#ground.isDecided(id)) {
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
      const known = this.sessions.get(key) ?? this.#ground.sessions.get(key);
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

function refuseFinal(
  anchor: FinalAnchor,
  known: Session | undefined,
  timeMs: number,
): Refusal | undefined {
  const { sessionId, leafCount, root, lastInterim } = anchor;
  const what = `session ${sessionId}`;
  if (known?.final) {
    return refuse(
      "chain/already-final",
      `${what} has its final anchor at entry ${known.index}`,
    );
  }
  if (anchor.endedAtMs > timeMs + CLOCK_SKEW_MS_MAX) {
    return refuse(
      "chain/ends-later",
      `${what} ends ${anchor.endedAtMs - timeMs} ms from now`,
    );
  }
  if (known?.index !== lastInterim?.index) {
    const last = known === undefined
      ? "there is none"
      : `that is entry ${known.index}`;
    return refuse(
      "chain/wrong-interim",
      `the final anchor of ${what} names another last interim: ${last}`,
    );
  }
  if (
    known !== undefined &&
    !hasGrown(known, { leafCount, root, path: lastInterim!.path })
  ) {
    return refuse(
      "chain/not-grown",
      `${what} does not begin with what entry ${known.index} anchored`,
    );
  }
}

function refuseInterim(
  row: InterimRow,
  known: Session | undefined,
): Refusal | undefined {
  const what = `session ${row.sessionId}`;
  if (known?.final) {
    return refuse(
      "chain/already-final",
      `${what} has its final anchor at entry ${known.index}`,
    );
  }
  const isGrown = known === undefined
    ? row.path.length === 0
    : row.leafCount > known.leafCount && hasGrown(known, row);
  if (!isGrown) {
    return refuse(
      "chain/not-grown",
      `${what} does not go on from ${
        known ? `entry ${known.index}` : "nothing"
      }`,
    );
  }
}

function hasGrown(
  known: Session,
  { leafCount, root, path }: {
    readonly leafCount: number;
    readonly root: Uint8Array;
    readonly path: Uint8Array;
  },
): boolean {
  return provesConsistency({
    oldCount: known.leafCount,
    oldRoot: known.root,
    newCount: leafCount,
    newRoot: root,
    path,
  });
}

function refuse(refused: RefusalCode, why: string): Refusal {
  return { refused, because: `Cannot take the entry: ${why}` };
}
