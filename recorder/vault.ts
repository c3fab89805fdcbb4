/**
 * The vault: where sealed chunks and gaps of all sessions lie on this node, in segment files that
 * only grow. What a record's writer was told is on disk is found again after any crash; for one
 * position of a session there is never more than one leaf.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { type Log, LucidError } from "@lucid/runtime";
import type { Bytes } from "../chain/hash.ts";
import { type ChunkPlace, encodeLeaf, type GapLeaf } from "../chain/leaf.ts";
import type { PlainChunk } from "./seal.ts";
import { Sealers, type SealersOptions, type Stored } from "./sealers.ts";
import {
  HEAD_BYTES,
  isWhole,
  type Place,
  RECORD,
  SEGMENT_FILE_BYTES,
  segmentFileName,
  segmentNumber,
} from "./segment.ts";
import { damaged, eraseRecord, readAt, readHead } from "./segment_reader.ts";
import { scanSegment } from "./segment_scan.ts";

/** How to open a vault. */
export interface VaultOptions {
  /** Folder of the segment files; made if it is not there. One process at a time. */
  readonly dir: string;
  /** Seal workers; the number of cores is right. */
  readonly workers: number;
  /** New recordings are refused while the disk has less than this left. */
  readonly freeBytesFloor: number;
  /** Damage found on opening, and what was done about it. */
  readonly log: Log;
  /** For crash tests; see {@linkcode SealersOptions}. */
  readonly crashAt?: SealersOptions["crashAt"] | undefined;
}

/** A stored leaf and its position. */
export interface StoredLeaf {
  /** Position in the session. */
  readonly index: number;
  /** The leaf's bytes. */
  readonly leaf: Bytes;
}

/** An interval nobody recorded, and whose. */
export type Gap = Omit<GapLeaf, "kind"> & Pick<ChunkPlace, "sessionId">;

/** Stored chunks and gaps of all sessions. */
export interface Vault {
  /**
   * Seal and store a chunk; resolves when it is on disk. A position that is taken gives the leaf
   * that has it. `chunk.plain` is handed over.
   *
   * @throws {LucidError} As {@linkcode Sealers.store}.
   */
  seal(chunk: PlainChunk): Promise<{ readonly leaf: Bytes }>;
  /** Store the leaf of an interval nobody recorded; otherwise as {@linkcode Vault.seal}. */
  gap(gap: Gap): Promise<{ readonly leaf: Bytes }>;
  /** What is stored of a session, by rising index. */
  leaves(sessionId: string): Promise<StoredLeaf[]>;
  /**
   * A leaf and, for a chunk, its ciphertext.
   *
   * @throws {LucidError} `recording/no-chunk` when nothing is stored there, `recording/damaged` when the
   *   ciphertext is not the one the leaf speaks of.
   */
  read(
    sessionId: string,
    index: number,
  ): Promise<{ readonly leaf: Bytes; readonly sealed: Bytes }>;
  /** Overwrite what is stored of a session; may be repeated. Nobody may be recording it. */
  erase(sessionId: string): Promise<void>;
  /** What the vault holds. */
  usage(): {
    readonly sessions: number;
    readonly leaves: number;
    readonly diskBytes: number;
  };
  /** Bytes left on the vault's disk. */
  freeBytes(): number;
  /**
   * Ask before a recording begins.
   *
   * @throws {LucidError} `recording/disk-low` while the disk has less left than the floor.
   */
  requireRoom(): void;
  /** Wait for what was handed over, then end the workers. */
  close(): Promise<void>;
}

/**
 * Open a vault and find out what it holds.
 *
 * @throws {LucidError} `recording/vault-unreadable` when the folder cannot be used.
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const vault = new SegmentVault(options);
  try {
    await vault.open();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LucidError(
      "recording/vault-unreadable",
      "unavailable",
      `Cannot open the recordings in ${options.dir}: ${why}. The folder must be readable and writable by this user`,
      { cause },
    );
  }
  return vault;
}

class SegmentVault implements Vault {
  readonly #options: VaultOptions;
  /** Session to the places of its leaves, by index: one number each, so that a million chunks are a few megabytes. */
  readonly #places = new Map<string, (number | undefined)[]>();
  /** Segment number to how many of its records are in use. */
  readonly #live = new Map<number, number>();
  /** Segments that get no more records: their file goes when the last record in use does. */
  readonly #closed = new Set<number>();
  readonly #underway = new Map<string, Promise<Stored>>();
  #sealers!: Sealers;

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { dir, workers, log, crashAt } = this.#options;
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    const numbers: number[] = [];
    for await (const { name } of Deno.readDir(dir)) {
      const number = segmentNumber(name);
      if (number !== undefined) numbers.push(number);
      else if (name.endsWith(".seg.new")) await Deno.remove(`${dir}/${name}`);
    }
    numbers.sort((a, b) => a - b);
    const unfinished: Place[] = [];
    for (const number of numbers) {
      const { records, end } = await scanSegment(this.#path(number), {
        number,
        log,
      });
      this.#live.set(number, 0);
      for (const record of records) this.#found(record);
      if (end !== undefined) unfinished.push({ segment: number, offset: end });
      else this.#closed.add(number);
    }
    const nextNumber = (numbers.at(-1) ?? -1) + 1;
    const onClosed = (segment: number) => void this.#closed.add(segment);
    this.#sealers = new Sealers({
      dir,
      workers,
      unfinished,
      nextNumber,
      onClosed,
      crashAt,
    });
  }

  async seal(chunk: PlainChunk): Promise<{ leaf: Bytes }> {
    return await this.#once(
      chunk,
      () => this.#sealers.store({ kind: "chunk", chunk }),
    );
  }

  async gap({ sessionId, ...gap }: Gap): Promise<{ leaf: Bytes }> {
    const leaf = encodeLeaf({ kind: "gap", ...gap });
    const { index } = gap;
    return await this.#once(
      { sessionId, index },
      () => this.#sealers.store({ kind: "gap", sessionId, index, leaf }),
    );
  }

  async leaves(sessionId: string): Promise<StoredLeaf[]> {
    const leaves: StoredLeaf[] = [];
    let file: Deno.FsFile | undefined;
    let open = -1;
    try {
      for (
        const [index, packed] of (this.#places.get(sessionId) ?? []).entries()
      ) {
        if (packed === undefined) continue;
        const place = unpackPlace(packed);
        if (place.segment !== open) {
          file?.close();
          file = await Deno.open(this.#path(place.segment), { read: true });
          open = place.segment;
        }
        leaves.push({ index, leaf: (await readHead(file!, place)).leaf });
      }
    } finally {
      file?.close();
    }
    return leaves;
  }

  async read(
    sessionId: string,
    index: number,
  ): Promise<{ leaf: Bytes; sealed: Bytes }> {
    const packed = this.#places.get(sessionId)?.[index];
    if (packed === undefined) {
      throw new LucidError(
        "recording/no-chunk",
        "missing",
        `Cannot read chunk ${index} of session ${sessionId}: it is not stored here`,
      );
    }
    const place = unpackPlace(packed);
    using file = await Deno.open(this.#path(place.segment), { read: true });
    const { leaf, kind, sealedBytes } = await readHead(file, place);
    const sealed = await readAt(file, {
      offset: place.offset + HEAD_BYTES + leaf.length,
      count: sealedBytes,
    });
    if (kind === RECORD.chunk && !isWhole(leaf, sealed)) throw damaged(place);
    return { leaf, sealed };
  }

  async erase(sessionId: string): Promise<void> {
    for (const packed of this.#places.get(sessionId) ?? []) {
      if (packed === undefined) continue;
      const place = unpackPlace(packed);
      await eraseRecord(this.#path(place.segment), place);
      this.#live.set(place.segment, this.#live.get(place.segment)! - 1);
    }
    this.#places.delete(sessionId);
    for (const segment of this.#closed) {
      if (this.#live.get(segment) === 0) await this.#remove(segment);
    }
  }

  usage(): { sessions: number; leaves: number; diskBytes: number } {
    const leaves = [...this.#live.values()].reduce(
      (sum, count) => sum + count,
      0,
    );
    return {
      sessions: this.#places.size,
      leaves,
      diskBytes: this.#live.size * SEGMENT_FILE_BYTES,
    };
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.#options.dir);
    return bavail * bsize;
  }

  requireRoom(): void {
    const { freeBytesFloor } = this.#options;
    const free = this.freeBytes();
    if (free >= freeBytesFloor) return;
    throw new LucidError(
      "recording/disk-low",
      "exhausted",
      `Cannot start a recording: ${
        mebibytes(free)
      } MiB of disk are left, at least ${
        mebibytes(freeBytesFloor)
      } are kept free. Free some space, or delete old sessions`,
    );
  }

  async close(): Promise<void> {
    await this.#sealers.close();
  }

  /** One leaf for one position: what is stored or under way wins over what comes later. */
  async #once(
    { sessionId, index }: Pick<ChunkPlace, "sessionId" | "index">,
    store: () => Promise<Stored>,
  ): Promise<{ leaf: Bytes }> {
    if (this.#places.get(sessionId)?.[index] !== undefined) {
      return await this.read(sessionId, index);
    }
    const key = `${sessionId}/${index}`;
    const underway = this.#underway.get(key);
    if (underway !== undefined) return await underway;
    const storing = store();
    this.#underway.set(key, storing);
    try {
      const { leaf, place } = await storing;
      this.#found({ sessionId, index, ...place });
      return { leaf };
    } finally {
      this.#underway.delete(key);
    }
  }

  #found(
    { sessionId, index, ...place }:
      & Pick<ChunkPlace, "sessionId" | "index">
      & Place,
  ): void {
    let places = this.#places.get(sessionId);
    if (places === undefined) this.#places.set(sessionId, places = []);
    if (places[index] !== undefined) {
      this.#options.log.error("leaf stored twice", {
        sessionId,
        index,
        ...place,
      });
      return;
    }
    places[index] = packPlace(place);
    this.#live.set(place.segment, (this.#live.get(place.segment) ?? 0) + 1);
  }

  async #remove(segment: number): Promise<void> {
    await Deno.remove(this.#path(segment));
    this.#closed.delete(segment);
    this.#live.delete(segment);
  }

  #path(segment: number): string {
    return `${this.#options.dir}/${segmentFileName(segment)}`;
  }
}

function packPlace({ segment, offset }: Place): number {
  return segment * SEGMENT_FILE_BYTES + offset;
}

function unpackPlace(packed: number): Place {
  return {
    segment: Math.floor(packed / SEGMENT_FILE_BYTES),
    offset: packed % SEGMENT_FILE_BYTES,
  };
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / (1024 * 1024));
}
