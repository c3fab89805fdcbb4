/**
 * The baseline of the chunk path, in a thread of its own: probe, zstd where it pays, AES-256-GCM under a fresh key,
 * SHA-256, write, fdatasync, with nothing around them. As in the recorder, encrypting overlaps, writing is one at a
 * time, and files are made 64 MiB long beforehand.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { createHash } from "node:crypto";
import { constants, zstdCompressSync } from "node:zlib";

type Bytes = Uint8Array<ArrayBuffer>;

const FILE_BYTES = 64 * 1024 * 1024;
const SAMPLE_BYTES = 16 * 1024;
const DENSE_ABOVE = 0.95;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const NONCE = new Uint8Array(12);

let folder = "";
let file: Deno.FsFile | undefined;
let files = 0;
let offset = 0;
let written: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<string | Bytes>) => {
  if (typeof data === "string") {
    folder = data;
    return;
  }
  const sealing = seal(data);
  written = written.then(async () => {
    append(await sealing);
    self.postMessage("stored");
  });
};

async function seal(plain: Bytes): Promise<{ hash: Bytes; sealed: Bytes }> {
  const packed = isDense(plain) ? plain : zstd(plain);
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, [
    "encrypt",
  ]);
  const cipher = { name: "AES-GCM", iv: NONCE };
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(cipher, key, packed),
  );
  const hash = new Uint8Array(createHash("sha256").update(sealed).digest());
  return { hash, sealed };
}

function isDense(plain: Bytes): boolean {
  const places = [
    0,
    (plain.length - SAMPLE_BYTES) >> 1,
    plain.length - SAMPLE_BYTES,
  ];
  const packed = places.reduce(
    (sum, at) => sum + zstd(plain.subarray(at, at + SAMPLE_BYTES)).length,
    0,
  );
  return packed >= DENSE_ABOVE * places.length * SAMPLE_BYTES;
}

function zstd(bytes: Bytes): Bytes {
  return zstdCompressSync(bytes, ZSTD) as Bytes;
}

function append({ hash, sealed }: { hash: Bytes; sealed: Bytes }): void {
  if (file === undefined || offset + hash.length + sealed.length > FILE_BYTES) {
    file?.close();
    file = Deno.openSync(`${folder}/${files++}`, { write: true, create: true });
    file.truncateSync(FILE_BYTES);
    file.syncSync();
    offset = 0;
    file.seekSync(0, Deno.SeekMode.Start);
  }
  for (const bytes of [hash, sealed]) {
    for (let at = 0; at < bytes.length;) {
      at += file.writeSync(bytes.subarray(at));
    }
    offset += bytes.length;
  }
  file.syncDataSync();
}
