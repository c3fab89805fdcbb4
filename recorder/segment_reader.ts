/**
 * Reading and erasing single records of segment files, by their places.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import {
  decodeHead,
  encodeHead,
  HEAD_BYTES,
  LEAF_BYTES_MAX,
  type Place,
  RECORD,
  type ScannedRecord,
  segmentFileName,
} from "./segment.ts";

/**
 * The head and leaf at a place.
 *
 * @throws {LucidError} `recording/damaged`
 */
export async function readHead(
  file: Deno.FsFile,
  place: Place,
): Promise<ScannedRecord> {
  const bytes = await readAt(file, {
    offset: place.offset,
    count: HEAD_BYTES + LEAF_BYTES_MAX,
  });
  const head = decodeHead(bytes, place);
  if (head === undefined) throw damaged(place);
  return head;
}

/**
 * Overwrite a record with zeros, in place. Ciphertext first: after a crash in between, the record is
 * still found, and erased again.
 */
export async function eraseRecord(path: string, place: Place): Promise<void> {
  using file = await Deno.open(path, {
    read: true,
    write: true,
  });
  const head = await readHead(file, place);
  await writeAt(
    file,
    place.offset + HEAD_BYTES + head.leafBytes,
    new Uint8Array(head.sealedBytes),
  );
  await file.syncData();
  const erased = {
    ...head,
    kind: RECORD.erased,
    leaf: new Uint8Array(head.leafBytes),
  };
  await writeAt(file, place.offset, encodeHead(erased, place));
  await file.syncData();
}

async function writeAt(
  file: Deno.FsFile,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  await file.seek(offset, Deno.SeekMode.Start);
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}

/** Up to `count` bytes from `offset`; fewer at the end of the file. */
export async function readAt(
  file: Deno.FsFile,
  { offset, count }: { readonly offset: number; readonly count: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  await file.seek(offset, Deno.SeekMode.Start);
  let held = 0;
  while (held < count) {
    const read = await file.read(bytes.subarray(held));
    if (read === null) break;
    held += read;
  }
  return bytes.subarray(0, held);
}

/** The failure of a record whose bytes are not the ones that were written. */
export function damaged({ segment, offset }: Place): LucidError {
  return new LucidError(
    "recording/damaged",
    "internal",
    `Cannot read a chunk: its record at byte ${offset} of ${
      segmentFileName(segment)
    } is damaged`,
  );
}
