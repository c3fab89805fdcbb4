/**
 * The log on disk: every entry, and after each block the certificate that decided it. A block counts when its
 * certificate is there; what lies behind the last one is what a crash tore off, and is cut away at the next start.
 *
 *     log = `LCLG` ‖ version 1 ‖ records: kind 1 an entry, kind 2 a certificate, CBOR [height, round, blockId, [[index, signature]]]
 *
 * In memory there are the tree's hashes and where each entry lies; the bytes are read when they are asked for.
 *
 * @module
 */
import { join } from "node:path";
import { LucidError } from "@lucid/runtime";
import { decode, encode } from "../../chain/canonical.ts";
import { FormatError } from "../../chain/error.ts";
import { join as joinBytes } from "../../chain/hash.ts";
import { decodeHeader, type Header } from "../../chain/header.ts";
import { type Block, Ledger } from "../../chain/ledger.ts";
import { MerkleTree } from "../../chain/merkle.ts";
import {
  type Certificate,
  certificateValue,
  readCertificate,
} from "../../chain/quorum.ts";
import { writeDurably } from "../data_folder.ts";
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

/** Where a record's payload lies. */
interface Place {
  readonly start: number;
  readonly count: number;
}

/** A block on disk. */
interface BlockPlace {
  readonly firstIndex: number;
  readonly headerIndex: number;
  readonly certificate: Place;
}

/** The log, open for reading and appending. */
export class LogFile {
  /** What the log means. */
  readonly ledger: Ledger;
  /** All of its hashes. */
  readonly tree: MerkleTree = new MerkleTree();
  /** Bytes behind the last certificate that were cut away at the start: 0 after an orderly end. */
  readonly tornBytes: number;
  readonly #file: Deno.FsFile;
  readonly #entries: Place[] = [];
  readonly #blocks: BlockPlace[] = [];
  #end = FILE_HEAD_BYTES;

  /**
   * Open a log and replay it.
   *
   * @param folder Where the file `log` lies.
   * @param options `makeGenesis`: entry 0, asked for if there is no log yet; `onBlock`: called for each block found.
   * @throws {LucidError} `chain/log-damaged` if the file is not a sound log, apart from a torn tail.
   */
  constructor(
    folder: string,
    { makeGenesis, onBlock }: {
      makeGenesis(): Uint8Array;
      onBlock(block: Block, firstIndex: number): void;
    },
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
      this.#take([genesis]);
      this.#end = this.#replay(reader, path, onBlock);
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
  #replay(
    reader: RecordReader,
    path: string,
    onBlock: (block: Block, firstIndex: number) => void,
  ): number {
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
      const firstIndex = this.ledger.entryCount;
      const block = this.ledger.check(entries.map(({ payload }) => payload));
      this.ledger.apply(block, readCertificate(decode(record.payload)));
      this.#take(entries);
      this.#blocks.push({
        firstIndex,
        headerIndex: block.header.preSize,
        certificate: placeOf(record),
      });
      onBlock(block, firstIndex);
      entries = [];
      end = this.#end = record.end;
    }
    return end;
  }

  #isLaterBlock({ kind, payload }: FoundRecord): boolean {
    return kind === KINDS.certificate &&
      readCertificate(decode(payload)).height > this.height + 1;
  }

  #take(records: readonly FoundRecord[]): void {
    for (const record of records) {
      this.tree.append(record.payload);
      this.#entries.push(placeOf(record));
    }
  }

  /** Height of the newest block. */
  get height(): number {
    return this.#blocks.length;
  }

  /**
   * Append a decided block, durably.
   *
   * If this throws, the block does not count, and the same one may be appended again.
   */
  append(block: Block, certificate: Certificate): void {
    const firstIndex = this.#entries.length;
    const payload = encode(certificateValue(certificate));
    const bytes = joinBytes(
      ...block.entries.map((entry) => recordBytes(KINDS.entry, entry)),
      recordBytes(KINDS.certificate, payload),
    );
    writeAt(this.#file, { start: this.#end, bytes });
    this.#file.syncSync();
    this.ledger.apply(block, certificate);
    let at = this.#end;
    for (const entry of block.entries) {
      this.tree.append(entry);
      this.#entries.push({ start: at + recordLength(0), count: entry.length });
      at += recordLength(entry.length);
    }
    this.#blocks.push({
      firstIndex,
      headerIndex: this.#entries.length - 1,
      certificate: { start: at + recordLength(0), count: payload.length },
    });
    this.#end += bytes.length;
  }

  /** The bytes of an entry, or undefined where the log has not come so far. */
  entry(index: number): Uint8Array<ArrayBuffer> | undefined {
    const place = this.#entries[index];
    return place && readAt(this.#file, place);
  }

  /** The height of the block that holds an entry; 0 for the genesis. */
  heightOf(index: number): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#blocks[middle]!.headerIndex < index) low = middle + 1;
      else high = middle;
    }
    return index === 0 ? 0 : low + 1;
  }

  /** Header and extent of a block, or undefined where there is none of that height, or it is 0. */
  block(
    height: number,
  ): {
    header: Header;
    headerBytes: Uint8Array<ArrayBuffer>;
    firstIndex: number;
  } | undefined {
    const block = this.#blocks[height - 1];
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
      decode(readAt(this.#file, this.#blocks[height - 1]!.certificate)),
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
