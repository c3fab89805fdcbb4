/**
 * A recorder, a session and a chain in memory, by seed: what the tests of this folder are told about.
 *
 * @module
 */
import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
} from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  encodeFinalAnchor,
  type FinalAnchor,
} from "../../chain/final_anchor.ts";
import { encodeInterimAnchors } from "../../chain/interim_anchors.ts";
import { decodeEntry, type Signer } from "../../chain/entry.ts";
import { encodeGenesis, type Predecessor } from "../../chain/genesis.ts";
import type { Validator } from "../../chain/validators.ts";
import { type Bytes, join, sha256, ZERO_HASH } from "../../chain/hash.ts";
import {
  chunkAad,
  type ChunkLeaf,
  type Codec,
  CODECS,
  deriveChunkKey,
  encodeLeaf,
  keyCommit,
  type Leaf,
  segmentRoot,
} from "../../chain/leaf.ts";
import type { Block } from "../../chain/block.ts";
import { Ledger } from "../../chain/ledger.ts";
import { MerkleTree } from "../../chain/merkle_tree.ts";
import { proofFileText } from "../../chain/proof.ts";
import {
  type Certificate,
  VOTE_TYPES,
  voteMessage,
} from "../../chain/quorum.ts";
import { trustFileText } from "../../chain/trust.ts";

export const T0_MS = Date.UTC(2026, 0, 1);
export const SESSION = "01KDVCN40000000000000SE551";

/** 32 bytes that a name leads to. */
export function bytesOf(name: string): Bytes {
  return new Uint8Array(createHash("sha256").update(name).digest());
}

export function signerOf(name: string): Signer & { readonly publicKey: Bytes } {
  const der = join(
    Uint8Array.fromHex("302e020100300506032b657004220420"),
    bytesOf(name),
  );
  const key = createPrivateKey({
    key: der as never,
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki).slice(-32),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

export const node = signerOf("node");

export function validatorOf(name: string): Validator {
  const [consensusKey, vrfKey, cosignKey] = ["consensus", "vrf", "cosign"]
    .map((use) => signerOf(name + use).publicKey);
  return {
    consensusKey: consensusKey!,
    vrfKey: vrfKey!,
    cosignKey: cosignKey!,
  };
}

export function genesisOf(
  names: readonly string[],
  predecessor?: Predecessor,
): Bytes {
  return encodeGenesis({
    params: {
      network: "test",
      t0Ms: T0_MS,
      slotMs: 10_000,
      epochBlocks: 4,
      emptyBlockEverySlots: 3,
      limits: {
        userEntryBytes: 16_384,
        entryBytes: 65_535,
        blockBytes: 786_432,
        expiryBlocks: 8_640,
      },
    },
    validators: names.map(validatorOf).sort((a, b) =>
      a.consensusKey.toHex() < b.consensusKey.toHex() ? -1 : 1
    ),
    nodes: [node.publicKey],
    ...(predecessor === undefined ? {} : { predecessor }),
  });
}

/** A sealed chunk with its key, as a recorder would make it. */
export function sealChunk(
  plain: Uint8Array,
  {
    index = 0,
    codec = CODECS.zstd as Codec,
    packed,
    startMs = T0_MS,
    endMs = T0_MS + 2_000,
  }: {
    readonly index?: number;
    readonly codec?: Codec;
    readonly packed?: Uint8Array;
    readonly startMs?: number;
    readonly endMs?: number;
  } = {},
): { leaf: ChunkLeaf; sealed: Bytes; chunkKey: Bytes } {
  const place = { recorderKey: node.publicKey, sessionId: SESSION, index };
  const salt = bytesOf(`salt ${index}`);
  const chunkKey = deriveChunkKey(place, {
    sessionKey: bytesOf("session key"),
    salt,
  });
  const cipher = createCipheriv("aes-256-gcm", chunkKey, new Uint8Array(12));
  cipher.setAAD(chunkAad({ ...place, codec }));
  const body = packed ??
    (codec === CODECS.zstd
      ? zstdCompressSync(plain)
      : codec === CODECS.gzip
      ? gzipSync(plain)
      : plain);
  const sealed = join(cipher.update(body), cipher.final(), cipher.getAuthTag());
  const leaf: ChunkLeaf = {
    kind: "chunk",
    index,
    startMs,
    endMs,
    codec,
    plainBytes: plain.length,
    sealedBytes: sealed.length,
    sealedHash: sha256(sealed),
    segmentRoot: segmentRoot(sealed),
    salt,
    keyCommit: keyCommit(chunkKey),
  };
  return { leaf, sealed, chunkKey };
}

/** A chain of one, block by block, with the tree over its log. */
export class World {
  readonly genesis: Bytes;
  readonly ledger: Ledger;
  readonly tree = new MerkleTree();
  readonly entries: Uint8Array[] = [];
  readonly blocks: { block: Block; certificate: Certificate }[] = [];
  readonly validator: string;

  constructor(validator = "one", predecessor?: Predecessor) {
    this.validator = validator;
    this.genesis = genesisOf([validator], predecessor);
    this.ledger = new Ledger(this.genesis);
    this.#take([this.genesis]);
  }

  get terms() {
    return {
      chainId: this.ledger.chainId,
      expiryHeight: this.ledger.height + 100,
    };
  }

  get trust(): string {
    return trustFileText(this.genesis);
  }

  /** Make a block; `slot` 0 is the genesis. */
  block(
    entries: readonly Uint8Array[],
    slot = (this.ledger.header?.slot ?? 0) + 1,
  ): Block {
    const block = this.ledger.build({
      entries: entries.map(decodeEntry),
      timeMs: T0_MS + slot * 10_000 + 5,
      certificate: this.blocks.at(-1)?.certificate,
    });
    const certificate = certify(block, this.ledger.chainId, [this.validator]);
    this.ledger.apply(block, certificate);
    this.#take(block.entries);
    this.blocks.push({ block, certificate });
    return block;
  }

  final(
    anchor: Partial<FinalAnchor> & { readonly leaves: readonly Leaf[] },
  ): Bytes {
    return encodeFinalAnchor(finalOf(anchor), this.terms, node);
  }

  interim(rows: Parameters<typeof encodeInterimAnchors>[0]): Bytes {
    return encodeInterimAnchors(rows, this.terms, node);
  }

  /** The proof of a leaf by the block at hand. */
  proof(
    { leaves, index, anchor, height = this.ledger.height }: {
      readonly leaves: readonly Leaf[];
      readonly index: number;
      readonly anchor: Uint8Array;
      readonly height?: number;
    },
  ): string {
    const anchorIndex = this.entries.findIndex((entry) =>
      entry.toHex() === anchor.toHex()
    );
    const { block, certificate } = this.blocks[height - 1]!;
    const tree = treeOf(leaves);
    const dating =
      this.blocks.find(({ block }) => block.header.preSize > anchorIndex)!
        .block;
    const { preSize } = block.header;
    return proofFileText({
      chainId: this.ledger.chainId,
      sessionId: SESSION,
      leaf: encodeLeaf(leaves[index]!),
      leafPath: tree.path(index),
      anchor: new Uint8Array(anchor),
      anchorIndex,
      anchorPath: this.tree.path(anchorIndex, dating.header.preSize),
      ...(dating === block ? {} : {
        anchoredIn: {
          bytes: dating.entries.at(-1)!,
          path: this.tree.path(dating.header.preSize, preSize),
        },
      }),
      certified: [{
        bytes: new Uint8Array(block.entries.at(-1)!),
        certificate,
        validators: this.ledger.genesis.validators,
      }],
    });
  }

  #take(entries: readonly Uint8Array[]): void {
    for (const entry of entries) {
      this.tree.append(entry);
      this.entries.push(entry);
    }
  }
}

export function certify(
  { header: { height }, blockId }: Pick<Block, "header" | "blockId">,
  chainId: Uint8Array,
  names: readonly string[],
  round = 0,
): Certificate {
  const message = voteMessage({
    type: VOTE_TYPES.precommit,
    height,
    round,
    blockId,
  }, chainId);
  const signatures = names
    .map((name) => signerOf(`${name}consensus`))
    .sort((a, b) => a.publicKey.toHex() < b.publicKey.toHex() ? -1 : 1)
    .map((signer, index) => ({
      index,
      signature: new Uint8Array(signer.sign(message)),
    }));
  return { height, round, blockId, signatures };
}

export function treeOf(leaves: readonly Leaf[]): MerkleTree {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(encodeLeaf(leaf));
  return tree;
}

export function finalOf(
  { leaves, ...rest }: Partial<FinalAnchor> & {
    readonly leaves: readonly Leaf[];
  },
) {
  const chunks = leaves.filter((leaf) => leaf.kind === "chunk");
  return {
    sessionId: SESSION,
    ownerCommit: bytesOf("owner"),
    root: treeOf(leaves).root(),
    leafCount: leaves.length,
    gapCount: leaves.length - chunks.length,
    sealedBytes: chunks.reduce((sum, leaf) => sum + leaf.sealedBytes, 0),
    startedAtMs: T0_MS,
    endedAtMs: Math.max(T0_MS, ...leaves.map((leaf) => leaf.endMs)),
    manifestHash: bytesOf("manifest"),
    policyHash: ZERO_HASH,
    ...rest,
  };
}
