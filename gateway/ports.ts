/**
 * What the gateway needs of the rest of Lucid. `main.ts` fits these ports to the node, the chain's files and the
 * tokens; tests fit doubles of the outside world.
 *
 * @module
 */
import type { Clock, Host, Log, NewId, Store } from "@lucid/runtime";

/** What a caller may do, the least first; each includes the ones before it. */
export const ROLES = ["user", "node_operator", "admin", "super_admin"] as const;
/** What a caller may do. */
export type Role = typeof ROLES[number];

/** Who is calling. */
export interface Caller {
  /** Their id: the `user_id` of what they create. */
  readonly user: string;
  /** From `admin` up, they see and do everything. */
  readonly role: Role;
}

/** Tells who holds a token. */
export interface Tokens {
  /** The holder, or undefined where the token is nobody's. Takes the same time for every wrong token. */
  verify(token: string): Promise<Caller | undefined>;
}

/** Bytes that own their memory, as a response takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** One leaf of one session. */
export interface ChunkOf {
  /** ULID. */
  readonly session: string;
  /** Position of its leaf, from 0; gaps take one too. */
  readonly index: number;
}

/**
 * The recordings of this node: what is stored of them, and the files made from it. All but `recording` are evidence
 * or a part of it; `plain` and `recording` are views.
 *
 * Each may throw a LucidError: `evidence/no-chunk`, `evidence/erased`, `recording/no-chunk` (missing); `evidence/gap`,
 * `evidence/not-sealed`, `evidence/not-anchored`, `evidence/nothing-recorded` (conflict); `evidence/exports-full`
 * (exhausted); `recording/vault-unreadable` (unavailable); `recording/damaged` (internal).
 */
export interface Evidence {
  /** A chunk as it was sealed: its leaf's canonical bytes, and its ciphertext. */
  sealed(
    chunk: ChunkOf,
  ): Promise<{ readonly leaf: Bytes; readonly ct: Bytes }>;
  /** A chunk decrypted and unpacked: a piece of the record stream. */
  plain(chunk: ChunkOf): Promise<Bytes>;
  /** The 32 bytes that open one chunk and no other. */
  chunkKey(chunk: ChunkOf): Promise<Bytes>;
  /** The manifest, the very bytes that the final anchor commits to, as text. */
  manifest(session: string): Promise<string>;
  /** A proof file (`lucid-proof/1`) for one chunk. */
  proof(chunk: ChunkOf): Promise<string>;
  /** The whole recording as MP4, made while it is read. */
  recording(
    session: string,
    signal: AbortSignal,
  ): Promise<
    {
      readonly stream: ReadableStream<Bytes>;
      readonly bytes?: number;
    }
  >;
}

/** Where the chain stands. Hashes are lower-case hex. */
export interface ChainInfo {
  readonly network: string;
  readonly chainId: string;
  readonly height: number;
  readonly blockId: string;
  /** When that block was made, in milliseconds since the Unix epoch. */
  readonly blockTimeMs: number;
  /** Entries in the log, system entries among them. */
  readonly entries: number;
  /** Root over all of them. */
  readonly root: string;
  /** Entries that wait for a block. */
  readonly pending: number;
  readonly slotMs: number;
  readonly validators: number;
  /** Why no block is made though it would be time; absent where nothing is wrong. */
  readonly waitingFor?: string;
}

/** One block without its entries. */
export interface BlockHead {
  readonly height: number;
  readonly blockId: string;
  /** Canonical bytes of its header entry; block 0 is the genesis entry alone and has none. */
  readonly header?: Uint8Array;
}

/** One block. */
export interface Block extends BlockHead {
  /** In the order of the log, the header last. */
  readonly entries: readonly {
    readonly index: number;
    readonly entryId: string;
    readonly bytes: Uint8Array;
  }[];
}

/** One entry, in a block or waiting for one. */
export interface Transaction {
  readonly bytes: Uint8Array;
  /** Where it stands; absent while it waits. */
  readonly decided?: {
    readonly height: number;
    readonly blockId: string;
    readonly index: number;
  };
}

/** The chain as this node holds it. Each may throw `chain/unavailable` (unavailable). */
export interface ChainReader {
  info(): Promise<ChainInfo>;
  /** By height, or by id (64 hex digits). */
  block(at: number | string): Promise<Block | undefined>;
  /** So many blocks from a height downwards; fewer where height 0 comes first. */
  blocks(
    page: { readonly from: number; readonly limit: number },
  ): Promise<readonly BlockHead[]>;
  transaction(entryId: string): Promise<Transaction | undefined>;
  /** The trust file (`lucid-trust/1`) that pins this chain. */
  trust(): Promise<string>;
}

/** What the gateway is made of. */
export interface GatewayPorts {
  /** Asks actors, and hears their events. */
  readonly host: Pick<Host, "ask" | "on">;
  /** Lists, pages and rows. */
  readonly store: Pick<Store, "get" | "list" | "query" | "insertRows">;
  /** The node that new sessions begin on. */
  readonly node: string;
  readonly evidence: Evidence;
  readonly chain: ChainReader;
  readonly tokens: Tokens;
  /** What a browser may call us: `127.0.0.1:8080`, `localhost:8080`. */
  readonly allowedHosts: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Makes request ids and session ids. */
  readonly ids: NewId;
  /** Of the program, for `/health` and the API document. */
  readonly version: string;
}
