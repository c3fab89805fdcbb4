/**
 * Turning a packed chunk back into its plain bytes, strictly: exactly one zstd frame (RFC 8878) or gzip member (RFC
 * 1952), no dictionary, nothing after it, and exactly as many bytes as its leaf says. Libraries forgive more than
 * that (several frames, bytes after a member, a truncated frame read as nothing), so the outer structure is read here.
 *
 * @module
 */
import { crc32, inflateRawSync, zstdDecompressSync } from "node:zlib";
import { FormatError, require } from "./error.ts";
import type { Bytes } from "./hash.ts";
import { type Codec, CODECS } from "./leaf.ts";

/** Memory that a zstd frame may ask of its reader: what the zstd tool itself grants without being told. */
const WINDOW_BYTES_MAX = 128 * 1024 * 1024;

const ZSTD_MAGIC = 0xfd2fb528;

/** Largest zstd block (RFC 8878, section 3.1.1.2.4). */
const ZSTD_BLOCK_BYTES_MAX = 128 * 1024;

/** CRC-32 and length at the end of a gzip member. */
const GZIP_TRAILER_BYTES = 8;

/**
 * The plain bytes of a packed chunk.
 *
 * @param packed As it was before encryption.
 * @param options The codec, and how many bytes must come out: the most that is ever allocated.
 * @throws {FormatError} If the bytes are anything but that.
 */
export function unpack(
  packed: Uint8Array,
  { codec, plainBytes }: { readonly codec: Codec; readonly plainBytes: number },
): Bytes {
  const plain = codec === CODECS.zstd
    ? unzstd(packed, plainBytes)
    : codec === CODECS.gzip
    ? gunzip(packed, plainBytes)
    : packed.slice();
  require(
    plain.length === plainBytes,
    `Cannot unpack: ${plain.length} bytes came out, not ${plainBytes}`,
  );
  return plain;
}

function unzstd(packed: Uint8Array, plainBytes: number): Bytes {
  checkZstdFrame(packed);
  return tryTo(
    "zstd",
    () =>
      zstdDecompressSync(packed, { maxOutputLength: Math.max(1, plainBytes) }),
  );
}

/** Walk the one frame there may be: header, blocks, checksum, end. */
function checkZstdFrame(packed: Uint8Array): void {
  const view = new DataView(
    packed.buffer,
    packed.byteOffset,
    packed.byteLength,
  );
  const need = (end: number) =>
    require(end <= packed.length, "Cannot unpack zstd: the frame is cut off");
  need(6);
  require(
    view.getUint32(0, true) === ZSTD_MAGIC,
    "Cannot unpack zstd: it does not begin with a frame",
  );
  const descriptor = packed[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  require(
    (descriptor & 0x08) === 0,
    "Cannot unpack zstd: a reserved bit is set",
  );
  require(
    (descriptor & 0x03) === 0,
    "Cannot unpack zstd: it asks for a dictionary",
  );
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
  let at = 5 + (singleSegment ? 0 : 1);
  need(at + sizeBytes);
  const window = singleSegment
    ? contentBytes(view, at, sizeBytes)
    : windowBytes(packed[5]!);
  require(
    window <= WINDOW_BYTES_MAX,
    `Cannot unpack zstd: its window is above ${WINDOW_BYTES_MAX} bytes`,
  );
  at += sizeBytes;
  for (let last = false; !last;) {
    need(at + 3);
    const header = packed[at]! | packed[at + 1]! << 8 | packed[at + 2]! << 16;
    const [kind, size] = [(header >> 1) & 3, header >> 3];
    require(
      kind !== 3 && size <= ZSTD_BLOCK_BYTES_MAX,
      "Cannot unpack zstd: a block's header is not valid",
    );
    last = (header & 1) === 1;
    at += 3 + (kind === 1 ? 1 : size);
  }
  if ((descriptor & 0x04) !== 0) at += 4;
  need(at);
  require(at === packed.length, "Cannot unpack zstd: bytes follow the frame");
}

function contentBytes(view: DataView, at: number, sizeBytes: number): number {
  if (sizeBytes === 1) return view.getUint8(at);
  if (sizeBytes === 2) return view.getUint16(at, true) + 256;
  if (sizeBytes === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function gunzip(packed: Uint8Array, plainBytes: number): Bytes {
  const start = gzipHeaderBytes(packed);
  const body = packed.subarray(start);
  const maxOutputLength = Math.max(1, plainBytes);
  let used = 0;
  const plain = tryTo("gzip", () => {
    // With `info` the answer also says how much was read; the type declarations do not know it.
    const { buffer, engine } = inflateRawSync(body, {
      info: true,
      maxOutputLength,
    }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    used = engine.bytesWritten;
    return buffer;
  });
  require(
    start + used + GZIP_TRAILER_BYTES === packed.length,
    "Cannot unpack gzip: it is not exactly one member",
  );
  const trailer = new DataView(
    body.buffer,
    body.byteOffset + used,
    GZIP_TRAILER_BYTES,
  );
  require(
    trailer.getUint32(0, true) === crc32(plain),
    "Cannot unpack gzip: its checksum differs",
  );
  require(
    trailer.getUint32(4, true) === plain.length,
    "Cannot unpack gzip: its length differs",
  );
  return plain;
}

/** Only the plain ten-byte header is written here, but optional fields are legal (RFC 1952, section 2.3). */
function gzipHeaderBytes(packed: Uint8Array): number {
  const [magic1, magic2, method, flags = 0xff] = packed;
  require(
    magic1 === 0x1f && magic2 === 0x8b && method === 8,
    "Cannot unpack gzip: it does not begin with a member",
  );
  require((flags & 0xe0) === 0, "Cannot unpack gzip: a reserved bit is set");
  let at = 10;
  if (flags & 0x04) at += 2 + (packed[10] ?? 0) + 256 * (packed[11] ?? 0);
  for (const named of [0x08, 0x10]) {
    if (!(flags & named)) continue;
    const end = packed.indexOf(0, at);
    require(end >= 0, "Cannot unpack gzip: its header is cut off");
    at = end + 1;
  }
  return at + (flags & 0x02 ? 2 : 0);
}

function tryTo(what: string, decode: () => Uint8Array): Bytes {
  try {
    return new Uint8Array(decode());
  } catch (error) {
    throw new FormatError(
      `Cannot unpack ${what}: ${
        error instanceof Error ? error.message : error
      }`,
    );
  }
}
