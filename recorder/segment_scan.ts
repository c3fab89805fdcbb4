/**
 * Reading a segment file back after a stop or a crash: every whole record, where the next one may be
 * written, and a word about whatever is damaged. A half-written record never counts.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Log } from "@lucid/runtime";
import { sameBytes } from "../chain/hash.ts";
import {
  decodeHead,
  HEAD_BYTES,
  isWhole,
  LEAF_BYTES_MAX,
  type Place,
  RECORD,
  RECORD_MAGIC,
  recordBytes,
  type ScannedRecord,
  SEGMENT_HEADER_BYTES,
  segmentHeader,
} from "./segment.ts";
import { readAt } from "./segment_reader.ts";

/** Bytes read at once when looking for the next record behind a damaged one. */
const SEARCH_BYTES = 1024 * 1024;

/** What a segment file holds. */
export interface SegmentContent {
  /** Chunks and gaps in the order they were written, with their places. */
  readonly records: readonly (ScannedRecord & Place)[];
  /** Where the next record may be written; undefined when the file is closed or unreadable. */
  readonly end: number | undefined;
}

/** Scan segment file `number`. Never writes; says in the log what it leaves out. */
export async function scanSegment(
  path: string,
  { number, log }: { readonly number: number; readonly log: Log },
): Promise<SegmentContent> {
  using file = await Deno.open(path, { read: true });
  const header = await readAt(file, { offset: 0, count: SEGMENT_HEADER_BYTES });
  if (!sameBytes(header, segmentHeader(number))) {
    log.error("segment has a foreign header", { segment: number });
    return { records: [], end: undefined };
  }
  const records: (ScannedRecord & Place)[] = [];
  let offset = SEGMENT_HEADER_BYTES;
  while (true) {
    const place = { segment: number, offset };
    const bytes = await readAt(file, {
      offset,
      count: HEAD_BYTES + LEAF_BYTES_MAX,
    });
    const record = decodeHead(bytes, place);
    if (record?.kind === RECORD.end) return { records, end: undefined };
    if (record !== undefined) {
      if (record.kind !== RECORD.erased) records.push({ ...record, ...place });
      offset += recordBytes(record);
      continue;
    }
    const next = await findRecord(file, place);
    if (next === undefined) {
      const torn = bytes.some((byte) => byte !== 0);
      return await withoutTornTail(file, { records, end: offset }, {
        torn,
        log,
      });
    }
    log.error("segment record damaged", { segment: number, offset, next });
    offset = next;
  }
}

/**
 * Only the last record can have been written without having been synced: its leaf may have reached
 * the disk before its ciphertext did. Such a record was never acknowledged.
 */
async function withoutTornTail(
  file: Deno.FsFile,
  { records, end }: {
    readonly records: (ScannedRecord & Place)[];
    readonly end: number;
  },
  { torn, log }: { readonly torn: boolean; readonly log: Log },
): Promise<SegmentContent> {
  const last = records.at(-1);
  const isLast = last !== undefined && last.offset + recordBytes(last) === end;
  if (
    isLast && last.kind === RECORD.chunk && !(await sealedIsWhole(file, last))
  ) {
    log.warn("segment tail dropped", {
      segment: last.segment,
      offset: last.offset,
    });
    return { records: records.slice(0, -1), end: last.offset };
  }
  if (torn) log.warn("segment tail dropped", { offset: end });
  return { records, end };
}

async function sealedIsWhole(
  file: Deno.FsFile,
  record: ScannedRecord & Place,
): Promise<boolean> {
  const offset = record.offset + HEAD_BYTES + record.leafBytes;
  return isWhole(
    record.leaf,
    await readAt(file, { offset, count: record.sealedBytes }),
  );
}

/** The next undamaged record behind `place`, if the file holds one. */
async function findRecord(
  file: Deno.FsFile,
  place: Place,
): Promise<number | undefined> {
  for (let from = place.offset + 1;; from += SEARCH_BYTES) {
    const bytes = await readAt(file, {
      offset: from,
      count: SEARCH_BYTES + HEAD_BYTES + LEAF_BYTES_MAX,
    });
    for (const at of occurrences(bytes)) {
      const offset = from + at;
      if (at >= SEARCH_BYTES) break;
      if (decodeHead(bytes.subarray(at), { ...place, offset }) !== undefined) {
        return offset;
      }
    }
    if (bytes.length <= SEARCH_BYTES) return undefined;
  }
}

function* occurrences(bytes: Uint8Array): Generator<number> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (
    let at = buffer.indexOf(RECORD_MAGIC);
    at >= 0;
    at = buffer.indexOf(RECORD_MAGIC, at + 1)
  ) {
    yield at;
  }
}
