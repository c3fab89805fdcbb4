/**
 * One worker's hand on the disk: appends records to a preallocated segment file with synchronous
 * calls, and gives a record's place only when the record has been synced. Each file has one writer.
 *
 * @module
 */
import type { Bytes } from "../chain/hash.ts";
import {
  encodeHead,
  HEAD_BYTES,
  type Place,
  RECORD,
  recordBytes,
  type ScannedRecord,
  SEGMENT_FILE_BYTES,
  SEGMENT_HEADER_BYTES,
  segmentFileName,
  segmentHeader,
} from "./segment.ts";

/** `end` record of a file that is full. */
const NO_SESSION = "0".repeat(26);

/** Where a writer writes. */
export interface SegmentWriterOptions {
  /** Folder of the segment files. */
  readonly dir: string;
  /** One counter for all writers: the number of the next file. */
  readonly nextNumber: Int32Array<SharedArrayBuffer>;
  /** Files with room left from an earlier life, this writer's alone from now on. */
  readonly unfinished: readonly Place[];
  /** Called right after `segment-write` and `segment-fsync`, so that a test can end the process there. */
  readonly passed: (point: CrashPoint) => void;
}

/** The moments between which a crash makes a difference. */
export type CrashPoint = "segment-write" | "segment-fsync";

/** Appends records, one at a time. */
export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  readonly #unfinished: Place[];
  #file: Deno.FsFile | undefined;
  #place: Place = { segment: 0, offset: 0 };

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
    this.#unfinished = [...options.unfinished];
  }

  /**
   * Append a record and sync it.
   *
   * @returns Where it lies. When this throws, the record does not count.
   */
  append(
    record: Omit<ScannedRecord, "leafBytes" | "sealedBytes">,
    sealed: Bytes,
  ): Place {
    const head = { ...record, sealedBytes: sealed.length };
    const count = recordBytes({
      leafBytes: record.leaf.length,
      sealedBytes: sealed.length,
    });
    const file = this.#fileWithRoom(count);
    const place = this.#place;
    try {
      const headBytes = encodeHead(head, place);
      writeAt(file, place.offset, headBytes);
      writeAt(file, place.offset + headBytes.length, sealed);
      this.#options.passed("segment-write");
      file.syncDataSync();
      this.#options.passed("segment-fsync");
    } catch (error) {
      this.#forget(file, place);
      throw error;
    }
    this.#place = { ...place, offset: place.offset + count };
    return place;
  }

  /** Close the file in hand. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  /** The file in hand while the record and an `end` record fit, else the next one. */
  #fileWithRoom(count: number): Deno.FsFile {
    while (
      this.#file === undefined ||
      this.#place.offset + count + HEAD_BYTES > SEGMENT_FILE_BYTES
    ) {
      if (this.#file !== undefined) this.#finish(this.#file);
      this.close();
      this.#place = this.#unfinished.shift() ?? this.#create();
      this.#file = Deno.openSync(this.#path(this.#place.segment), {
        write: true,
      });
    }
    return this.#file;
  }

  /** An `end` record spares the next start a search for records in what is left of the file. */
  #finish(file: Deno.FsFile): void {
    const end = {
      kind: RECORD.end,
      sessionId: NO_SESSION,
      index: 0,
      sealedBytes: 0,
      leaf: new Uint8Array(),
    };
    writeAt(file, this.#place.offset, encodeHead(end, this.#place));
    file.syncDataSync();
  }

  /** Its length is fixed at once, so that a later sync has no new length to note; named only when whole. */
  #create(): Place {
    const segment = Atomics.add(this.#options.nextNumber, 0, 1);
    const path = this.#path(segment);
    const unnamed = `${path}.new`;
    try {
      using file = Deno.openSync(unnamed, {
        write: true,
        create: true,
        truncate: true,
      });
      file.truncateSync(SEGMENT_FILE_BYTES);
      writeAt(file, 0, segmentHeader(segment));
      file.syncSync();
    } catch (error) {
      Deno.removeSync(unnamed);
      throw error;
    }
    Deno.renameSync(unnamed, path);
    syncFolder(this.#options.dir);
    return { segment, offset: SEGMENT_HEADER_BYTES };
  }

  /** A record that could not be synced must not be found after a restart: its chunk will be sealed again. */
  #forget(file: Deno.FsFile, place: Place): void {
    try {
      writeAt(file, place.offset, new Uint8Array(HEAD_BYTES));
    } catch {
      /* Where zeros cannot be written, the head could not be either; the next record goes to the same place. */
    }
  }

  #path(segment: number): string {
    return `${this.#options.dir}/${segmentFileName(segment)}`;
  }
}

function writeAt(file: Deno.FsFile, offset: number, bytes: Uint8Array): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  for (let written = 0; written < bytes.length;) {
    written += file.writeSync(bytes.subarray(written));
  }
}

function syncFolder(dir: string): void {
  using folder = Deno.openSync(dir, { read: true });
  folder.syncSync();
}
