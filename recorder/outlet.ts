/**
 * Where a capture's pieces go: stored one after the other, then reported one after the other. A
 * position is taken only when everything before it is on disk, so a crash leaves no hole. Storing
 * goes on while reports wait, up to a bound.
 *
 * @module
 */
import { type Clock, LucidError } from "@lucid/runtime";
import type { StoredLeaf } from "./vault.ts";

/** Pieces waiting for the disk: at most 40 MiB, and two minutes of patience at the usual chunk length. */
const WAITING_MAX = 3;

/** Leaves on disk that the session has not acknowledged: a week of one-minute chunks, 2 MB. */
const UNREPORTED_MAX = 10_000;

/** Between attempts to store a piece. */
const RETRY_MS = 250;

/** How an outlet is made. */
export interface OutletOptions {
  /** For the pauses between attempts. */
  readonly clock: Clock;
  /** Leaves on disk from an earlier life. */
  readonly leaves: readonly StoredLeaf[];
  /** How many of them the session knows. */
  readonly reported: number;
  /** Tell the session; resolves when it has acknowledged. */
  readonly onLeaf: (leaf: StoredLeaf) => Promise<void>;
  /** How long one piece may fail to be stored; Infinity to try for as long as the recording lasts. */
  readonly patienceMs: number;
  /** Something has moved: there may be room again, or a failure. */
  readonly onProgress: () => void;
}

/** Stores one piece; repeated until it succeeds. */
export type Piece = () => Promise<StoredLeaf>;

/** The way from a capture to disk and session. */
export class Outlet {
  /** When all pieces are on disk, or storing has failed for good. */
  readonly stored: Promise<void>;
  /** When all stored leaves are acknowledged; rejects when a report was refused. */
  readonly reported: Promise<void>;
  /** The last leaf on disk. */
  last: StoredLeaf | undefined;
  /** Why nothing more can be stored or reported. */
  failure: LucidError | undefined;
  readonly #options: OutletOptions;
  readonly #waiting: Piece[] = [];
  readonly #unreported: StoredLeaf[];
  #closed = false;
  #allStored = false;
  #moved: (() => void)[] = [];

  constructor(options: OutletOptions) {
    this.#options = options;
    this.last = options.leaves.at(-1);
    this.#unreported = options.leaves.filter(({ index }) =>
      index >= options.reported
    );
    this.stored = this.#store();
    this.reported = this.#report();
  }

  /** Whether another chunk may be begun. */
  get hasRoom(): boolean {
    return this.#waiting.length < WAITING_MAX;
  }

  /** Take a piece; pieces keep their order. */
  put(piece: Piece): void {
    this.#waiting.push(piece);
    this.#move();
  }

  /** Nothing more will come: what still fails to be stored is tried once more and then given up. */
  close(): void {
    this.#closed = true;
    this.#move();
  }

  async #store(): Promise<void> {
    while (this.failure === undefined) {
      const piece = this.#waiting[0];
      if (piece !== undefined && this.#unreported.length < UNREPORTED_MAX) {
        const leaf = await this.#persist(piece);
        if (leaf === undefined) break;
        this.last = leaf;
        this.#unreported.push(leaf);
        this.#waiting.shift();
        this.#move();
      } else if (this.#closed && piece === undefined) break;
      else await this.#movement();
    }
    this.#allStored = true;
    this.#move();
  }

  async #report(): Promise<void> {
    while (!this.#allStored || this.#unreported.length > 0) {
      const leaf = this.#unreported[0];
      if (leaf === undefined) {
        await this.#movement();
        continue;
      }
      try {
        await this.#options.onLeaf(leaf);
      } catch (cause) {
        this.#fail(
          new LucidError(
            "recording/report-refused",
            "conflict",
            `Cannot go on recording: leaf ${leaf.index} was not accepted`,
            { cause },
          ),
        );
        return;
      }
      this.#unreported.shift();
      this.#move();
    }
  }

  async #persist(piece: Piece): Promise<StoredLeaf | undefined> {
    const { clock, patienceMs } = this.#options;
    const giveUpMs = clock.elapsedMs() + patienceMs;
    while (true) {
      const last = this.#closed || clock.elapsedMs() >= giveUpMs;
      try {
        return await piece();
      } catch (error) {
        if (!(error instanceof LucidError)) throw error;
        if (last) {
          this.#fail(error);
          return undefined;
        }
      }
      await this.#movement(RETRY_MS);
    }
  }

  #fail(error: LucidError): void {
    this.failure ??= error;
    this.#move();
  }

  #move(): void {
    for (const moved of this.#moved.splice(0)) moved();
    this.#options.onProgress();
  }

  /** Until something moves, or `ms` have passed. */
  #movement(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = ms === undefined
        ? () => {}
        : this.#options.clock.after(ms, resolve);
      this.#moved.push(() => {
        cancel();
        resolve();
      });
    });
  }
}
