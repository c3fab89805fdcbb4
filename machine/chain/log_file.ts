/**
 * The log on disk: every entry, and after each block the certificate that decided it. A block counts when its
 * certificate is there; what lies behind the last one is what a crash tore off, and is cut away at the next start.
 *
 *     log = `LCLG` ‖ version 1 ‖ records: kind 1 an entry, kind 2 a certificate, CBOR [height, round, blockId, [[index, signature]]]
 *
 * In memory there is only where everything lies; the bytes are read when they are asked for.
 *
 * @module
 */
import { join } from "node:path";
import { LucidError } from "@lucid/runtime";
import { decode, encode } from "../../chain/canonical.ts";
import { decodeEntry, entryId } from "../../chain/entry.ts";
import { FormatError } from "../../chain/error.ts";
import { join as joinBytes, sameBytes } from "../../chain/hash.ts";
import { decodeHeader, type Header } from "../../chain/header.ts";
import type { Block } from "../../chain/block.ts";
import { Ledger } from "../../chain/ledger.ts";
import {
  type Certificate,
  certificateValue,
  readCertificate,
} from "../../chain/quorum.ts";
import { writeDurably } from "../data_folder.ts";
import { LogIndex, type Place } from "./log_index.ts";
import {
  FILE_HEAD_BYTES,
  fileHead,
  type FoundRecord,
  readAt,
  recordBytes,
  recordLength,
  RecordReader,
  writeAt,
} from "./records.ts";

const MAGIC = "LCLG";
const KINDS = { entry: 1, certificate: 2 } as const;

/** The log, open for reading and appending. */
export class LogFile {
  /** What the log means. */
  readonly ledger: Ledger;
  /** Where everything in it lies. */
  readonly index: LogIndex = new LogIndex();
  /** Bytes behind the last certificate that were cut away at the start: 0 after an orderly end. */
  readonly tornBytes: number;
  readonly #file: Deno.FsFile;
  #end = FILE_HEAD_BYTES;

  /**
   * Open a log and replay it.
   *
   * @param folder Where the file `log` lies.
   * @param options `makeGenesis`: entry 0, asked for if there is no log yet.
   * @throws {LucidError} `chain/log-damaged` if the file is not a sound log, apart from a torn tail.
   */
  constructor(
    folder: string,
    { makeGenesis }: { makeGenesis(): Uint8Array },
  ) {
    const path = join(folder, "log");
    if (readSize(path) === undefined) {
      writeDurably(
        path,
        joinBytes(fileHead(MAGIC), recordBytes(KINDS.entry, makeGenesis())),
      );
    }
    this.#file = Deno.openSync(path, { read: true, write: true });
    try {
      const reader = new RecordReader(this.#file);
      const genesis = reader.hasHead(MAGIC) ? reader.next() : undefined;
      if (genesis === undefined) throw damaged(path, 0);
      this.ledger = new Ledger(genesis.payload);
      this.index.add(genesis.payload, placeOf(genesis));
      this.#end = this.#replay(reader, path);
      this.tornBytes = this.#file.statSync().size - this.#end;
      if (this.tornBytes > 0) {
        // A crash can tear only the block that was being appended; a later certificate means damage.
        if (reader.hasBehind((record) => this.#isLaterBlock(record))) {
          throw damaged(path, reader.at);
        }
        this.#file.truncateSync(this.#end);
        this.#file.syncSync();
      }
    } catch (error) {
      this.#file.close();
      throw error instanceof FormatError
        ? damaged(path, this.#end, error)
        : error;
    }
  }

  /** @returns Where the last block ends. */
  #replay(reader: RecordReader, path: string): number {
    let end = this.#end = reader.at;
    let entries: FoundRecord[] = [];
    for (
      let record = reader.next();
      record !== undefined;
      record = reader.next()
    ) {
      if (record.kind === KINDS.entry) {
        entries.push(record);
        continue;
      }
      if (record.kind !== KINDS.certificate) throw damaged(path, record.start);
      const block = this.ledger.check(entries.map(({ payload }) => payload));
      this.ledger.apply(block, readCertificate(decode(record.payload)));
      this.index.addBlock(block, [...entries, record].map(placeOf));
      entries = [];
      end = this.#end = record.end;
    }
    return end;
  }

  #isLaterBlock({ kind, payload }: FoundRecord): boolean {
    return kind === KINDS.certificate &&
      readCertificate(decode(payload)).height > this.height + 1;
  }

  /** Height of the newest block. */
  get height(): number {
    return this.index.height;
  }

  /**
   * Append a decided block, durably.
   *
   * If this throws, the block does not count, and the same one may be appended again.
   */
  append(block: Block, certificate: Certificate): void {
    const records = [
      ...block.entries.map((entry) => recordBytes(KINDS.entry, entry)),
      recordBytes(KINDS.certificate, encode(certificateValue(certificate))),
    ];
    const bytes = joinBytes(...records);
    writeAt(this.#file, { start: this.#end, bytes });
    this.#file.syncSync();
    this.ledger.apply(block, certificate);
    let end = this.#end;
    const places = records.map(({ length }) => {
      const start = end + recordLength(0);
      end += length;
      return { start, count: end - start };
    });
    this.index.addBlock(block, places);
    this.#end = end;
  }

  /** The bytes of an entry, or undefined where the log has not come so far. */
  entry(index: number): Uint8Array<ArrayBuffer> | undefined {
    const place = this.index.entry(index);
    return place && readAt(this.#file, place);
  }

  /** The index of a user's entry, by its id. */
  indexOf(id: Uint8Array): number | undefined {
    return this.index.candidates(id).find((index) =>
      sameBytes(entryId(decodeEntry(this.entry(index)!)), id)
    );
  }

  /** Header and extent of a block, or undefined where there is none of that height, or it is 0. */
  block(
    height: number,
  ): {
    header: Header;
    headerBytes: Uint8Array<ArrayBuffer>;
    firstIndex: number;
  } | undefined {
    const block = this.index.block(height);
    if (block === undefined) return undefined;
    const headerBytes = this.entry(block.headerIndex)!;
    return {
      header: decodeHeader(headerBytes),
      headerBytes,
      firstIndex: block.firstIndex,
    };
  }

  /** The certificate of a block that there is. */
  certificate(height: number): Certificate {
    return readCertificate(
      decode(readAt(this.#file, this.index.block(height)!.certificate)),
    );
  }

  /** Give the file free. */
  close(): void {
    this.#file.close();
  }
}

function placeOf({ start, payload }: FoundRecord): Place {
  return { start: start + recordLength(0), count: payload.length };
}

function readSize(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function damaged(path: string, at: number, cause?: Error): LucidError {
  const why = cause === undefined ? "" : ` (${cause.message})`;
  return new LucidError(
    "chain/log-damaged",
    "internal",
    `Cannot open the chain: ${path} is damaged at byte ${at}${why}; stop here, keep the file, and put back a copy ` +
      "that is not damaged, or start a successor chain",
    { cause },
  );
}
