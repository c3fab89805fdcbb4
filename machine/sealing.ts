/**
 * What closes a recording: its manifest, the final anchor signed with the node's key, and the last look
 * at everything once that anchor stands in a block.
 *
 * @module
 */
import { type Clock, LucidError } from "@lucid/runtime";
import type { Summary } from "../actors/recorder/protocol.ts";
import { encodeFinalAnchor, ownerCommit } from "../chain/anchor.ts";
import { decodeEntry, entryId } from "../chain/entry.ts";
import { type Bytes, sha256, ZERO_HASH } from "../chain/hash.ts";
import { decodeLeaf } from "../chain/leaf.ts";
import { MerkleTree } from "../chain/merkle.ts";
import { verifyProof } from "../chain/verify.ts";
import type { Vault } from "../recorder/vault.ts";
import type { Chain } from "./chain/chain.ts";
import { type DataFolder, readIfThere, writeDurably } from "./data_folder.ts";
import type { Keys } from "./keys.ts";

/** What sealing works with. */
export interface SealingOptions {
  readonly data: DataFolder;
  readonly keys: Keys;
  readonly vault: Vault;
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

/** The leaves of a session from its node's own disk, and the tree over them. */
export async function treeOf(
  vault: Vault,
  sessionId: string,
): Promise<{ readonly tree: MerkleTree; readonly leaves: readonly Bytes[] }> {
  const tree = new MerkleTree();
  const leaves = (await vault.leaves(sessionId)).map(({ leaf }) => leaf);
  for (const leaf of leaves) tree.append(leaf);
  return { tree, leaves };
}

/**
 * Write the manifest (once) and sign the final anchor over it.
 *
 * @throws {LucidError} `sealing/not-yet` while an interim anchor of the session waits for its block, and
 * `sealing/root-differs` when the disk holds other leaves than the session counted.
 */
export async function sealSession(
  sessionId: string,
  summary: Summary,
  { data, keys, vault, chain, software }: SealingOptions,
): Promise<SealedSession> {
  const { tree, leaves } = await treeOf(vault, sessionId);
  if (tree.root().toHex() !== summary.root) {
    throw new LucidError(
      "sealing/root-differs",
      "internal",
      `Cannot seal session ${sessionId}: the leaves on disk have another root than the session's ${summary.root}`,
    );
  }
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
  { vault, chain, clock }: Pick<SealingOptions, "vault" | "chain" | "clock">,
): Promise<string | undefined> {
  const leaves = await vault.leaves(sessionId);
  for (const { index } of leaves) {
    try {
      await vault.read(sessionId, index);
    } catch (error) {
      return (error as Error).message;
    }
  }
  if (leaves.length === 0) return undefined;
  const { exitCode, answer } = verifyProof({
    proof: await proveLeaf(sessionId, { index: 0, entryIndex }, {
      vault,
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
  { vault, chain }: Pick<SealingOptions, "vault" | "chain">,
): Promise<string> {
  const { tree, leaves } = await treeOf(vault, sessionId);
  const leaf = leaves[index];
  if (leaf === undefined) {
    throw new LucidError(
      "evidence/no-chunk",
      "missing",
      `Cannot prove chunk ${index} of session ${sessionId}: it has ${leaves.length}`,
    );
  }
  return chain.proof({
    session: sessionId,
    leaf,
    leafPath: tree.path(index, tree.count),
    anchorIndex: entryIndex,
  });
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
