/**
 * What is stored of this node's recordings, as the gateway hands it out: sealed chunks and proofs, which
 * are evidence, and decrypted pieces and videos, which are views.
 *
 * @module
 */
import { type Host, LucidError, type Store } from "@lucid/runtime";
import { Session, type SessionState } from "../actors/session/protocol.ts";
import { decodeLeaf, deriveChunkKey } from "../chain/leaf.ts";
import { openChunk } from "../chain/open_chunk.ts";
import { exportMp4 } from "../recorder/mp4.ts";
import type { StoredLeaf, Vault } from "../recorder/vault.ts";
import type { Chain } from "./chain/chain.ts";
import { DYING_WITH_US } from "./children.ts";
import { type DataFolder, readIfThere, removeIfThere } from "./data_folder.ts";
import type { Keys } from "./keys.ts";
import { manifestPath, proveLeaf } from "./sealing.ts";

/** Exports that run at once: each takes a core. */
const EXPORTS_MAX = 2;

/** As often as the screen is asked for what has changed. */
const FILM_FPS = 5;

type Bytes = Uint8Array<ArrayBuffer>;
interface ChunkOf {
  readonly session: string;
  readonly index: number;
}

/** What evidence is read from. */
export interface EvidenceOptions {
  readonly data: DataFolder;
  readonly keys: Keys;
  readonly vault: Vault;
  readonly store: Pick<Store, "list">;
  readonly chain: Chain;
  readonly host: Host;
}

/**
 * Open the evidence of a node. The methods fit the gateway's port of that name.
 *
 * Films are made in `exports`, in the clear; what a crash left there is removed at once.
 */
export function openEvidence(
  { data, keys, vault, store, chain, host }: EvidenceOptions,
) {
  let exports = 0;
  removeIfThere(data.file("exports"));
  Deno.mkdirSync(data.file("exports"), { mode: 0o700 });

  /** The sealed bytes of a chunk that is one, and is still there. */
  async function readChunk({ session, index }: ChunkOf) {
    const { leaf: bytes, sealed } = await vault.read(session, index);
    const leaf = decodeLeaf(bytes);
    if (leaf.kind === "gap") {
      throw new LucidError(
        "evidence/gap",
        "conflict",
        `Cannot read chunk ${index} of session ${session}: it is a gap (${leaf.reason})`,
      );
    }
    return { leaf, bytes, sealed };
  }

  async function chunkKey(chunk: ChunkOf): Promise<Bytes> {
    const { session, index } = chunk;
    const { leaf } = await readChunk(chunk);
    const sessionKey = await keys.existingSessionKey(session);
    if (sessionKey === undefined) {
      throw new LucidError(
        "evidence/erased",
        "missing",
        `Cannot open chunk ${index} of session ${session}: its key was destroyed`,
      );
    }
    const { publicKey: recorderKey } = keys.node;
    const place = { recorderKey, sessionId: session, index };
    return deriveChunkKey(place, { sessionKey, salt: leaf.salt });
  }

  async function plain(chunk: ChunkOf): Promise<Bytes> {
    const { session } = chunk;
    const { leaf, sealed } = await readChunk(chunk);
    return openChunk({
      leaf,
      sealed,
      chunkKey: await chunkKey(chunk),
      recorderKey: keys.node.publicKey,
      sessionId: session,
    });
  }

  function stateOf(session: string): Promise<SessionState> {
    return host.ask(Session, `session/${session}`, "get", {});
  }

  return {
    async sealed(chunk: ChunkOf): Promise<{ leaf: Bytes; ct: Bytes }> {
      const { bytes, sealed } = await readChunk(chunk);
      return { leaf: bytes, ct: sealed };
    },
    plain,
    chunkKey,
    manifest(session: string): Promise<string> {
      const bytes = readIfThere(manifestPath(data, session));
      if (bytes === undefined) {
        throw new LucidError(
          "evidence/not-sealed",
          "conflict",
          `Cannot read the manifest of session ${session}: it is written when recording has ended`,
        );
      }
      return Promise.resolve(new TextDecoder().decode(bytes));
    },
    async proof(chunk: ChunkOf): Promise<string> {
      const { session, index } = chunk;
      const { anchor } = await stateOf(session);
      if (anchor === undefined) {
        throw new LucidError(
          "evidence/not-anchored",
          "conflict",
          `Cannot prove chunk ${index} of session ${session}: its anchor is not in a block yet`,
        );
      }
      const entryIndex = anchor.entry_index;
      return await proveLeaf(session, { index, entryIndex }, { store, chain });
    },
    async recording(
      session: string,
      signal: AbortSignal,
    ): Promise<{ stream: ReadableStream<Bytes>; bytes: number }> {
      const leaves = await vault.leaves(session);
      if (leaves.length === 0) {
        throw new LucidError(
          "evidence/nothing-recorded",
          "conflict",
          `Cannot export session ${session}: nothing is recorded yet`,
        );
      }
      if (exports >= EXPORTS_MAX) {
        throw new LucidError(
          "evidence/exports-full",
          "exhausted",
          `Cannot export session ${session}: ${EXPORTS_MAX} exports are running`,
        );
      }
      const path = data.file("exports", `${crypto.randomUUID()}.mp4`);
      exports += 1;
      try {
        await exportMp4(parts(session, leaves), {
          path,
          fps: FILM_FPS,
          // Else it would write on after us.
          ffmpeg: [...DYING_WITH_US, "ffmpeg"],
          signal,
        });
        const file = await Deno.open(path);
        const { size } = await file.stat();
        return { stream: file.readable, bytes: size };
      } finally {
        exports -= 1;
        // An open file stays readable when its name is gone.
        removeIfThere(path);
      }
    },
  };

  /** The recording piece by piece, in order. */
  async function* parts(session: string, leaves: readonly StoredLeaf[]) {
    for (const { index, leaf: bytes } of leaves) {
      const { kind, startMs, endMs } = decodeLeaf(bytes);
      yield kind === "gap"
        ? { startMs, endMs }
        : { startMs, endMs, plain: await plain({ session, index }) };
    }
  }
}
