/**
 * A chunk's way from memory to disk: handed to a seal worker, packed, encrypted, hashed, written, synced. One worker on
 * either side.
 *
 * @module
 */
import { silentLog } from "@lucid/runtime/testing";
import { openVault, type Vault } from "../recorder/vault.ts";
import { type Figure, figureOf } from "./figure.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { allAtOnce, compare } from "./measure.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const CHUNK_BYTES = 1024 * 1024;
/** Two segment files, so that making them is part of it. */
const CHUNKS = 128;
/** The worker always has a next one. */
const IN_FLIGHT = 4;
const AGAINST = "the bare steps in one worker, into files made alike";

const SESSION = {
  sessionId: "01KDVCN40000000000000SE551",
  sessionKey: new Uint8Array(32).fill(7),
  recorderKey: new Uint8Array(32).fill(9),
  packing: "auto",
} as const;

/** Chunks that do not shrink (zlib is inside the record stream already), and chunks that do. */
export async function chunkPathFigures(): Promise<readonly Figure[]> {
  await using folder = await temporaryFolder();
  const vault = await openVault({
    dir: `${folder.path}/vault`,
    workers: 1,
    freeBytesFloor: 0,
    log: silentLog,
  });
  await using ends = new AsyncDisposableStack();
  ends.defer(() => vault.close());
  using raw = await openRawPath(folder.path);
  const count = { count: CHUNKS, inFlight: IN_FLIGHT };
  const run = (plain: Bytes) =>
    compare({
      ours: () => allAtOnce(count, sealer(vault, plain)),
      baseline: () => allAtOnce(count, () => raw.store(plain.slice())),
    });
  const dense = (await run(denseBytes())).perSecond;
  const text = (await run(textBytes())).perSecond;
  return [
    figureOf({
      figure: "chunk path, 1 MiB that does not shrink",
      unit: "chunks/s",
      against: AGAINST,
      pair: dense,
      bar: { of: "ours", is: "≥", limit: 100 },
    }),
    figureOf({
      figure: "chunk path, 1 MiB that does not shrink",
      unit: "MB/s",
      against: AGAINST,
      pair: megabytes(dense),
      bar: { of: "ratio", is: "≥", limit: 0.8 },
    }),
    figureOf({
      figure: "chunk path, 1 MiB of text",
      unit: "MB/s",
      against: AGAINST,
      pair: megabytes(text),
      bar: { of: "ratio", is: "≥", limit: 0.8 },
    }),
  ];
}

let chunks = 0;

function sealer(vault: Vault, plain: Bytes): () => Promise<unknown> {
  return () => {
    const index = chunks++;
    const startMs = 1_000 * index;
    const span = { index, startMs, endMs: startMs + 1_000 };
    return vault.seal({ ...SESSION, ...span, plain: plain.slice() });
  };
}

async function openRawPath(folder: string) {
  const dir = `${folder}/raw`;
  await Deno.mkdir(dir);
  const worker = new Worker(new URL("./raw_chunk_path.ts", import.meta.url), {
    type: "module",
  });
  const waiting: (() => void)[] = [];
  worker.onmessage = () => waiting.shift()!();
  worker.postMessage(dir);
  return {
    /** Store one chunk; its bytes are handed over. */
    store(plain: Bytes): Promise<void> {
      worker.postMessage(plain, [plain.buffer]);
      return new Promise((resolve) => void waiting.push(resolve));
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}

function megabytes<
  P extends { readonly ours: number; readonly baseline: number },
>(
  pair: P,
): P {
  const { ours, baseline } = pair;
  const each = CHUNK_BYTES / 1e6;
  return { ...pair, ours: ours * each, baseline: baseline * each };
}

function denseBytes(): Bytes {
  const bytes = new Uint8Array(CHUNK_BYTES);
  // What one call gives at most.
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

function textBytes(): Bytes {
  const lines = Array.from(
    { length: 20_000 },
    (_, n) => `${n * 7_919 % 65_537} line of a log, as terminals show it\n`,
  );
  return new TextEncoder().encode(lines.join("").padEnd(CHUNK_BYTES))
    .slice(0, CHUNK_BYTES);
}
