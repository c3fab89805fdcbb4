/**
 * What closes a recording: its manifest, the final anchor signed with the node's key, and the last look
 * at everything once that anchor stands in a block.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Clock, LucidError, type Store } from "@lucid/runtime";
import type { Summary } from "../actors/recorder/protocol.ts";
import { readAnchor } from "../chain/anchor.ts";
import { encodeFinalAnchor, ownerCommit } from "../chain/final_anchor.ts";
import { decodeEntry, entryId } from "../chain/entry.ts";
import { type Bytes, sameBytes, sha256, ZERO_HASH } from "../chain/hash.ts";
import { decodeLeaf } from "../chain/leaf.ts";
import { verifyProof } from "../chain/verify.ts";
import type { Vault } from "../recorder/vault.ts";
import type { Chain } from "./chain/chain.ts";
import { type DataFolder, readIfThere, writeDurably } from "./data_folder.ts";
import type { Keys } from "./keys.ts";
import { leavesOf, treeOver } from "./leaves.ts";

/** What sealing works with. */
export interface SealingOptions {
  readonly data: DataFolder;
  readonly keys: Keys;
  readonly vault: Vault;
  readonly store: Pick<Store, "list">;
  readonly chain: Chain;
  readonly clock: Clock;
  /** Name and version of this software, for the manifest. */
  readonly software: string;
}

/** A signed final anchor, ready for the chain. */
export interface SealedSession {
  /** Hex. */
  readonly manifestHash: string;
  /** Hex. */
  readonly entryId: string;
  /** Base64. */
  readonly entry: string;
}

/** An anchor may wait for a block as long as the format allows. */
const EXPIRY_BLOCKS = 8_640;
const OWNER_SALT_BYTES = 32;

/** The path of a session's manifest. */
export function manifestPath(data: DataFolder, sessionId: string): string {
  return data.file("manifests", `${sessionId}.json`);
}

/**
 * Write the manifest (once) and sign the final anchor over it.
 *
 * @throws {LucidError} `sealing/not-yet` while an interim anchor of the session waits for its block.
 */
export async function sealSession(
  sessionId: string,
  summary: Summary,
  { data, keys, store, chain, software }: SealingOptions,
): Promise<SealedSession> {
  const leaves = await leavesOf(store, sessionId, summary.leafCount);
  const tree = treeOver(leaves);
  assert(tree.root().toHex() === summary.root, "rows are what was counted");
  const name = { recorderKey: keys.node.publicKey, sessionId };
  if (chain.isInterimPending(name)) {
    throw new LucidError(
      "sealing/not-yet",
      "unavailable",
      `Cannot seal session ${sessionId}: an interim anchor of it waits for its block`,
    );
  }
  const manifest = writeManifest(sessionId, summary, {
    data,
    keys,
    leaves,
    software,
  });
  const interim = chain.anchorOf(name);
  const entry = encodeFinalAnchor(
    {
      sessionId,
      ownerCommit: ownerCommit(summary.owner, manifest.ownerSalt),
      root: tree.root(),
      leafCount: summary.leafCount,
      gapCount: summary.gapCount,
      sealedBytes: summary.ctBytes,
      startedAtMs: summary.startedAt,
      endedAtMs: summary.endedAt,
      manifestHash: manifest.hash,
      policyHash: ZERO_HASH,
      ...(interim === undefined ? {} : {
        lastInterim: {
          index: interim.index,
          path: tree.consistency(interim.leafCount, tree.count),
        },
      }),
    },
    {
      chainId: chain.chainId,
      expiryHeight: chain.height + EXPIRY_BLOCKS,
    },
    keys.node,
  );
  return {
    manifestHash: manifest.hash.toHex(),
    entryId: entryId(decodeEntry(entry)).toHex(),
    entry: entry.toBase64(),
  };
}

/**
 * The last look: every chunk on disk is what its leaf says, and the first one's proof holds.
 *
 * @returns What is wrong, or undefined where nothing is.
 */
export async function checkSession(
  sessionId: string,
  { entryIndex }: { readonly entryIndex: number },
  { vault, store, chain, clock }: SealingOptions,
): Promise<string | undefined> {
  const leaves = await leavesOf(store, sessionId, countAt(chain, entryIndex));
  for (const [index, leaf] of leaves.entries()) {
    try {
      const stored = await vault.read(sessionId, index);
      if (sameBytes(stored.leaf, leaf)) continue;
    } catch (error) {
      if (!(error instanceof LucidError)) throw error;
      return `Chunk ${index} is lost: ${error.message}`;
    }
    return `Chunk ${index} is lost: the disk holds another one in its place`;
  }
  if (leaves.length === 0) return undefined;
  const { exitCode, answer } = verifyProof({
    proof: await proveLeaf(sessionId, { index: 0, entryIndex }, {
      store,
      chain,
    }),
    trust: chain.trust(),
    nowMs: clock.now(),
  });
  return exitCode === 0
    ? undefined
    : `The proof of its first leaf is ${answer}`;
}

/** The proof file of one leaf under the anchor at `entryIndex`. */
export async function proveLeaf(
  sessionId: string,
  { index, entryIndex }: {
    readonly index: number;
    readonly entryIndex: number;
  },
  { store, chain }: Pick<SealingOptions, "store" | "chain">,
): Promise<string> {
  const leaves = await leavesOf(store, sessionId, countAt(chain, entryIndex));
  const leaf = leaves[index];
  if (leaf === undefined) {
    throw new LucidError(
      "evidence/no-chunk",
      "missing",
      `Cannot prove chunk ${index} of session ${sessionId}: it has ${leaves.length}`,
    );
  }
  const tree = treeOver(leaves);
  return chain.proof({
    session: sessionId,
    leaf,
    leafPath: tree.path(index, tree.count),
    anchorIndex: entryIndex,
  });
}

/** How many leaves the final anchor at an index of the log counts. */
function countAt(chain: Chain, entryIndex: number): number {
  const anchor = readAnchor(decodeEntry(chain.entry(entryIndex)!.bytes));
  assert(anchor.kind === "final", "a session's anchor is a final one");
  return anchor.leafCount;
}

/** Written once: its salt and so its hash stay the same however often sealing is tried. */
function writeManifest(
  sessionId: string,
  summary: Summary,
  { data, keys, leaves, software }:
    & Pick<SealingOptions, "data" | "keys" | "software">
    & { readonly leaves: readonly Bytes[] },
): { readonly hash: Uint8Array<ArrayBuffer>; readonly ownerSalt: Uint8Array } {
  const path = manifestPath(data, sessionId);
  const existing = readIfThere(path);
  if (existing !== undefined) {
    const { owner_salt: salt } = JSON.parse(
      new TextDecoder().decode(existing),
    ) as { owner_salt: string };
    return { hash: sha256(existing), ownerSalt: Uint8Array.fromHex(salt) };
  }
  const ownerSalt = crypto.getRandomValues(new Uint8Array(OWNER_SALT_BYTES));
  const gaps = leaves.flatMap((bytes) => {
    const leaf = decodeLeaf(bytes);
    if (leaf.kind === "chunk") return [];
    const { index, startMs, endMs, reason } = leaf;
    return [{ index, started_at: startMs, ended_at: endMs, reason }];
  });
  const manifest = {
    format: "lucid-manifest/1",
    session_id: sessionId,
    name: summary.name,
    owner: summary.owner,
    owner_salt: ownerSalt.toHex(),
    recorder_key: keys.node.publicKey.toHex(),
    recorder_version: software,
    started_at: summary.startedAt,
    ended_at: summary.endedAt,
    merkle_root: summary.root,
    chunk_count: summary.leafCount,
    gap_count: summary.gapCount,
    size_bytes: summary.ctBytes,
    gaps,
  };
  const bytes = new TextEncoder().encode(
    `${JSON.stringify(manifest, undefined, 2)}\n`,
  );
  writeDurably(path, bytes);
  return { hash: sha256(bytes), ownerSalt };
}
