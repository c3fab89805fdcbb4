/**
 * The body of one seal worker: chunks come in, are sealed and written, and only then answered.
 * Sealing overlaps, writing is one at a time.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import type { Bytes } from "../chain/hash.ts";
import { type CrashPoint, SegmentWriter } from "./segment_writer.ts";
import { type Place, RECORD } from "./segment.ts";
import { type PlainChunk, sealChunk } from "./seal.ts";

/** First message to a worker. */
export interface WorkerStart {
  /** Folder of the segment files. */
  readonly dir: string;
  /** Shared by all workers. */
  readonly nextNumber: Int32Array<SharedArrayBuffer>;
  /** This worker's share of the files with room left. */
  readonly unfinished: readonly Place[];
}

/** Every later message to a worker. */
export interface WorkerJob {
  /** Number of the job, for its answer. */
  readonly job: number;
  /** A chunk to seal, or a gap's leaf to store. */
  readonly work:
    | { readonly kind: "chunk"; readonly chunk: PlainChunk }
    | {
      readonly kind: "gap";
      readonly sessionId: string;
      readonly index: number;
      readonly leaf: Bytes;
    };
  /** End the whole process at this point of this job. */
  readonly crashAt?: CrashPoint | undefined;
}

/** What a worker answers. A failed chunk's bytes come back, so that they can be tried again. */
export type WorkerAnswer =
  | { readonly job: number; readonly leaf: Bytes; readonly place: Place }
  | {
    readonly job: number;
    readonly failed: WorkerFailure;
    readonly plain?: Bytes | undefined;
  };

/** Why a job failed: an error's parts that survive a message. */
export interface WorkerFailure {
  /** Operating system's code, `ENOSPC`, where there is one. */
  readonly code?: string | undefined;
  /** For the log. */
  readonly message: string;
}

/** A gap has no ciphertext. */
const NOTHING: Bytes = new Uint8Array();

let writer: SegmentWriter | undefined;
let crashAt: CrashPoint | undefined;
let written: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<WorkerStart | WorkerJob>) => {
  if ("dir" in data) writer = new SegmentWriter({ ...data, passed: crash });
  else take(data);
};

function take({ job, work, crashAt: point }: WorkerJob): void {
  const sealing = work.kind === "chunk"
    ? sealChunk(work.chunk)
    : Promise.resolve({ ...work, sealed: NOTHING });
  // Whatever goes wrong is answered when the job's turn to be written comes.
  sealing.catch(() => {});
  const { sessionId, index } = work.kind === "chunk" ? work.chunk : work;
  written = written.then(async () => {
    try {
      const { leaf, sealed } = await sealing;
      crashAt = point;
      const place = writer!.append({
        kind: RECORD[work.kind],
        sessionId,
        index,
        leaf,
      }, sealed);
      answer({ job, leaf, place });
    } catch (error) {
      answer({
        job,
        failed: failure(error),
        plain: work.kind === "chunk" ? work.chunk.plain : undefined,
      });
    }
  });
}

function answer(message: WorkerAnswer): void {
  const transfer = "plain" in message && message.plain !== undefined
    ? [message.plain.buffer]
    : [];
  self.postMessage(message, { transfer });
}

function crash(point: CrashPoint): void {
  if (point === crashAt) Deno.kill(Deno.pid, "SIGKILL");
}

function failure(error: unknown): WorkerFailure {
  if (!(error instanceof Error)) return { message: String(error) };
  return { message: error.message, code: (error as { code?: string }).code };
}
