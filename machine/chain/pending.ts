/**
 * Entries that wait for a block: taken in if the next one could hold them, struck when none can any more.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { readAnchor } from "../../chain/anchor.ts";
import { type Entry, entryId } from "../../chain/entry.ts";
import { type Bytes, sameBytes } from "../../chain/hash.ts";
import type { Ledger } from "../../chain/ledger.ts";
import type { Refusal } from "../../chain/refusal.ts";
import type { SessionName } from "../../chain/session.ts";

/** Entries that may wait for a block: at 500 B each, four blocks full. */
const PENDING_MAX = 4_096;

/** Refusals that another moment, or another history, would not give: the sender did nothing wrong. */
const CONFLICTS: readonly string[] = [
  "chain/decided",
  "chain/already-final",
  "chain/wrong-interim",
  "chain/not-grown",
  "chain/expired",
  "chain/ends-later",
];

/** An entry that no block can include any more. */
export interface Struck {
  readonly id: Bytes;
  readonly refusal: Refusal;
}

/** Entries that wait, in the order in which they came. */
export class Pending {
  readonly #ledger: Ledger;
  readonly #entries = new Map<string, Entry>();

  /** @param ledger Decides what can still be included. */
  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** How many wait. */
  get count(): number {
    return this.#entries.size;
  }

  /** All that wait. */
  get entries(): readonly Entry[] {
    return [...this.#entries.values()];
  }

  /** One that waits, by its id. */
  get(id: Uint8Array): Entry | undefined {
    return this.#entries.get(id.toHex());
  }

  /**
   * Let an entry wait. Doing it twice changes nothing.
   *
   * @throws {LucidError} With the code of the ledger's refusal; `chain/interim-pending` while an interim anchor of the
   * same session waits; `chain/busy`.
   */
  add(entry: Entry, { timeMs }: { readonly timeMs: number }): void {
    const id = entryId(entry).toHex();
    if (this.#entries.has(id)) return;
    const refusal = this.#ledger.admit(entry, { timeMs });
    if (refusal !== undefined) {
      const { refused, because } = refusal;
      const kind = CONFLICTS.includes(refused) ? "conflict" : "invalid";
      throw new LucidError(refused, kind, because);
    }
    this.#refuseOvertaking(entry);
    if (this.#entries.size >= PENDING_MAX) {
      throw new LucidError(
        "chain/busy",
        "exhausted",
        `Cannot take the entry: ${PENDING_MAX} wait already`,
      );
    }
    this.#entries.set(id, entry);
  }

  /** Whether an interim anchor of a session waits. */
  hasInterim({ recorderKey, sessionId }: SessionName): boolean {
    return this.entries.some((entry) => {
      const anchor = readAnchor(entry);
      return anchor.kind === "interim" &&
        sameBytes(anchor.recorderKey, recorderKey) &&
        anchor.rows.some((row) => row.sessionId === sessionId);
    });
  }

  /**
   * A block was decided: what it holds waits no longer.
   *
   * @param ids Of its entries, in hex.
   * @returns What it made impossible. What only came too early, or found no room, goes on waiting.
   */
  settle(
    ids: readonly string[],
    { timeMs }: { readonly timeMs: number },
  ): Struck[] {
    for (const id of ids) this.#entries.delete(id);
    const struck: Struck[] = [];
    for (const [id, entry] of this.#entries) {
      const refusal = this.#ledger.admit(entry, { timeMs });
      if (refusal === undefined || refusal.refused === "chain/ends-later") {
        continue;
      }
      this.#entries.delete(id);
      struck.push({ id: entryId(entry), refusal });
    }
    return struck;
  }

  /** A final anchor names the session's last interim: that one has to be decided, or struck, first. */
  #refuseOvertaking(entry: Entry): void {
    const anchor = readAnchor(entry);
    if (anchor.kind !== "final" || !this.hasInterim(anchor)) return;
    throw new LucidError(
      "chain/interim-pending",
      "conflict",
      `Cannot take the final anchor of session ${anchor.sessionId}: an interim one of it waits for a block`,
    );
  }
}
