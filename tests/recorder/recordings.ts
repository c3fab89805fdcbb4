/**
 * What the recorder's tests share: a vault in a temporary folder, keys, and a way to read a stored
 * chunk as its owner would.
 *
 * @module
 */
import { type Log, systemClock } from "@lucid/runtime";
import { openChunk } from "../../chain/open_chunk.ts";
import { decodeLeaf, deriveChunkKey } from "../../chain/leaf.ts";
import { type CaptureOptions, startCapture } from "../../recorder/capture.ts";
import { replay } from "../../recorder/replay.ts";
import { openTap } from "../../recorder/tap.ts";
import { ENCODING } from "../../recorder/rfb.ts";
import { Framebuffer } from "../../recorder/framebuffer.ts";
import {
  openVault,
  type StoredLeaf,
  type Vault,
  type VaultOptions,
} from "../../recorder/vault.ts";
import { VIEW_PASSWORD, type Xvnc } from "../support/xvnc.ts";

/** A session's id, and the keys that go with it. */
export const SESSION = {
  sessionId: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
  sessionKey: new Uint8Array(32).fill(7),
  recorderKey: new Uint8Array(32).fill(9),
};

/** A log that keeps its phrases. */
export function listeningLog(): Log & { readonly phrases: string[] } {
  const phrases: string[] = [];
  const keep = (phrase: string) => void phrases.push(phrase);
  const log = {
    phrases,
    debug: keep,
    info: keep,
    warn: keep,
    error: keep,
    with: () => log,
  };
  return log;
}

/** A vault in a folder of its own, closed and removed at the end of the block. */
export async function temporaryVault(
  options: Partial<VaultOptions> = {},
): Promise<Vault & AsyncDisposable & { readonly dir: string }> {
  const dir = await Deno.makeTempDir({ prefix: "lucid-vault-" });
  const vault = await openVault({
    dir,
    workers: 2,
    freeBytesFloor: 0,
    log: listeningLog(),
    ...options,
  });
  return Object.assign(vault, {
    dir,
    async [Symbol.asyncDispose]() {
      await vault.close();
      await Deno.remove(dir, { recursive: true });
    },
  });
}

/** The plain bytes of a stored chunk, verified and decrypted. */
export async function plainChunk(
  vault: Vault,
  index: number,
  session = SESSION,
): Promise<Uint8Array> {
  const stored = await vault.read(session.sessionId, index);
  const leaf = decodeLeaf(stored.leaf);
  if (leaf.kind !== "chunk") {
    throw new Error(`Cannot read chunk ${index}: it is a gap`);
  }
  const chunkKey = deriveChunkKey({ ...session, index }, {
    sessionKey: session.sessionKey,
    salt: leaf.salt,
  });
  return openChunk({ ...session, leaf, sealed: stored.sealed, chunkKey });
}

/** A capture of a test's screen that keeps what was reported, and lets a test wait for so many leaves. */
export async function captureOf(
  xvnc: Pick<Xvnc, "path">,
  options: Pick<CaptureOptions, "vault"> & Partial<CaptureOptions>,
) {
  const reports: StoredLeaf[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const log = listeningLog();
  const capture = await startCapture({
    ...SESSION,
    path: xvnc.path,
    password: () => VIEW_PASSWORD,
    notBeforeMs: systemClock.now(),
    clock: systemClock,
    log,
    strict: false,
    reported: 0,
    onLeaf: (leaf) => {
      reports.push(leaf);
      for (const { count, resolve } of waiting) {
        if (reports.length >= count) resolve();
      }
      return Promise.resolve();
    },
    ...options,
  });
  return {
    capture,
    log,
    leaves: () => reports.map(({ leaf }) => decodeLeaf(leaf)),
    untilLeaves: (count: number) =>
      new Promise<void>((resolve) =>
        reports.length >= count ? resolve() : waiting.push({ count, resolve })
      ),
  };
}

/** The true screen, read raw by a client of its own. */
export async function screenshot(xvnc: Xvnc): Promise<Uint8Array> {
  const tap = await openTap({
    path: xvnc.path,
    password: VIEW_PASSWORD,
    clock: systemClock,
    withinMs: 5_000,
    encodings: [ENCODING.raw],
  });
  using screen = new Framebuffer(tap.opening);
  for (const update of tap.picture) await screen.draw(update);
  tap.close();
  return screen.rgba;
}

/** The last picture of a chunk, replayed by itself. */
export async function lastPicture(
  plain: Uint8Array,
): Promise<{ rgba: Uint8Array; moments: number }> {
  let rgba = new Uint8Array();
  let moments = 0;
  for await (const { screen } of replay(plain)) {
    rgba = screen.rgba;
    moments++;
  }
  return { rgba, moments };
}
