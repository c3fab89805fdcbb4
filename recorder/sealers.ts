/**
 * The pool of seal workers. A chunk's bytes are handed over, not copied; the answer comes when they
 * are sealed, written and synced.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import type { Bytes } from "../chain/hash.ts";
import type { Place } from "./segment.ts";
import type { CrashPoint } from "./segment_writer.ts";
import type {
  WorkerAnswer,
  WorkerFailure,
  WorkerJob,
  WorkerStart,
} from "./seal_worker.ts";

/** Chunks handed to the workers and not yet on disk. 64 of them are at most 640 MiB; usual ones a hundred kB each. */
const PENDING_MAX = 64;

/** What a job becomes. */
export interface Stored {
  /** The leaf's bytes. */
  readonly leaf: Bytes;
  /** Where its record lies. */
  readonly place: Place;
}

/** How a pool is started. */
export interface SealersOptions extends Omit<WorkerStart, "nextNumber"> {
  /** How many workers; more than cores gives nothing. */
  readonly workers: number;
  /** Number for the next new segment file. */
  readonly nextNumber: number;
  /** Told when a segment file gets no more records. */
  readonly onClosed: (segment: number) => void;
  /** End the process at a point of the n-th job (from 1): how crash tests hit a named moment. */
  readonly crashAt?:
    | { readonly point: CrashPoint; readonly job: number }
    | undefined;
}

interface Pending {
  readonly worker: number;
  readonly work: WorkerJob["work"];
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: LucidError) => void;
}

/** A running pool. */
export class Sealers {
  readonly #workers: Worker[];
  readonly #loads: number[];
  readonly #pending = new Map<number, Pending>();
  readonly #segments: (number | undefined)[] = [];
  readonly #onClosed: SealersOptions["onClosed"];
  readonly #crashAt: SealersOptions["crashAt"];
  #jobs = 0;
  #idle: (() => void) | undefined;

  constructor(options: SealersOptions) {
    const nextNumber = new Int32Array(new SharedArrayBuffer(4));
    nextNumber[0] = options.nextNumber;
    this.#crashAt = options.crashAt;
    this.#onClosed = options.onClosed;
    this.#loads = new Array(options.workers).fill(0);
    this.#workers = this.#loads.map((_, number) =>
      this.#start(number, {
        dir: options.dir,
        nextNumber,
        unfinished: options.unfinished.filter((_, n) =>
          n % options.workers === number
        ),
      })
    );
  }

  /**
   * Have a chunk or a gap stored.
   *
   * @returns When it is on disk.
   * @throws {LucidError} `recording/disk-full`, `recording/storage-failed`; and `recording/storage-busy`
   *   at once, before anything is handed over. In each case the chunk's bytes are the caller's again.
   */
  store(work: WorkerJob["work"]): Promise<Stored> {
    if (this.#pending.size >= PENDING_MAX) {
      throw new LucidError(
        "recording/storage-busy",
        "exhausted",
        `Cannot store a chunk now: ${PENDING_MAX} are waiting for the disk`,
      );
    }
    const worker = this.#loads.indexOf(Math.min(...this.#loads));
    if (this.#loads[worker] === Infinity) {
      throw storageError({ message: "the seal workers have ended" });
    }
    const job = ++this.#jobs;
    const crashAt = this.#crashAt?.job === job
      ? this.#crashAt.point
      : undefined;
    const { promise, resolve, reject } = Promise.withResolvers<Stored>();
    this.#pending.set(job, { worker, work, resolve, reject });
    this.#loads[worker]! += 1;
    this.#workers[worker]!.postMessage(
      { job, work, crashAt } satisfies WorkerJob,
      {
        transfer: work.kind === "chunk" ? [work.chunk.plain.buffer] : [],
      },
    );
    return promise;
  }

  /** Wait until all that was handed over is on disk, then end the workers. */
  async close(): Promise<void> {
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => this.#idle = resolve);
    }
    for (const worker of this.#workers) worker.terminate();
  }

  #start(number: number, start: WorkerStart): Worker {
    const worker = new Worker(new URL("./seal_worker.ts", import.meta.url), {
      type: "module",
    });
    worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) =>
      this.#answered(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#lost(number, event.message);
    };
    worker.postMessage(start);
    return worker;
  }

  #answered(answer: WorkerAnswer): void {
    const pending = this.#pending.get(answer.job)!;
    this.#pending.delete(answer.job);
    this.#loads[pending.worker]! -= 1;
    if ("leaf" in answer) {
      this.#wrote(pending.worker, answer.place.segment);
      pending.resolve(answer);
    } else {
      if (pending.work.kind === "chunk" && answer.plain !== undefined) {
        pending.work.chunk.plain = answer.plain;
      }
      pending.reject(storageError(answer.failed));
    }
    if (this.#pending.size === 0) this.#idle?.();
  }

  #wrote(worker: number, segment: number): void {
    const before = this.#segments[worker];
    if (before !== undefined && before !== segment) this.#onClosed(before);
    this.#segments[worker] = segment;
  }

  /** A worker that throws outside a job is our mistake; its jobs fail, and it gets no more. */
  #lost(number: number, message: string): void {
    this.#loads[number] = Infinity;
    for (const [job, { worker }] of this.#pending) {
      if (worker === number) this.#answered({ job, failed: { message } });
    }
  }
}

function storageError({ code, message }: WorkerFailure): LucidError {
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new LucidError(
      "recording/disk-full",
      "exhausted",
      "Cannot store a chunk: the disk is full. Free some space, or delete old sessions",
      { cause: message },
    );
  }
  return new LucidError(
    "recording/storage-failed",
    "unavailable",
    `Cannot store a chunk: ${message}`,
    { cause: message },
  );
}
