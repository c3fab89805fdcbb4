/**
 * What a host asks of a store: one document an actor, written whole and conditionally, and rows
 * beside them that never change. A driver is one file and passes one contract suite.
 *
 * A document holds the actor's state at the top and the runtime's own fields under `_rt`. A row is
 * a document without `_rt`. Both lie in collections and are read the same way.
 *
 * @module
 */

/** Who may write a document: the last to have loaded it. */
export interface Fence {
  /** Of the shard, or of the node for pinned actors. */
  readonly epoch: number;
  /** ULID of one life of a host. */
  readonly incarnation: string;
  /** Rises with every load that this host does. */
  readonly activation: number;
}

/** The part of `_rt` that stores look at; the rest is the host's. */
export interface StoredRuntime {
  /** 1 at first, then one more at each write. */
  readonly version: number;
  /** Who may write. */
  readonly fence: Fence;
  /** Shard, or node of a pinned actor. */
  readonly place: number | string;
  /** When the actor wants to be woken (ms since the Unix epoch), 0 for now, absent for never. */
  readonly due?: number;
}

/** A document as it is stored: plain JSON. */
export interface Stored {
  /** The actor's own fields. */
  readonly [field: string]: unknown;
  /** The runtime's. */
  readonly _rt: StoredRuntime;
}

/** One document among all. */
export interface DocumentKey {
  /** `[a-z][a-z0-9_]*` */
  readonly collection: string;
  /** Unique in its collection. */
  readonly id: string;
}

/** What a load found. */
export type Loaded =
  /** Here it is, and it now carries the loader's fence. */
  | { readonly found: "document"; readonly document: Stored }
  /** Nothing, and nothing was written. */
  | { readonly found: "nothing" }
  /** Somebody with a higher fence was here. */
  | { readonly found: "fenced"; readonly fence: Fence };

/** One write of one document. */
export interface Commit extends DocumentKey {
  /** The fence that the writer's load left. */
  readonly fence: Fence;
  /** Version of the document as the writer knows it; 0 for one that is not there yet. */
  readonly version: number;
  /** The whole document, with `_rt.version` one higher. */
  readonly document: Stored;
}

/** A fact kept beside the documents. */
export interface StoredRow {
  /** The collection it lies in. */
  readonly table: string;
  /** Unique in that table. */
  readonly key: string;
  /** Plain JSON. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** A document or row as readers see it. */
export interface Found {
  /** Id of the document, key of the row. */
  readonly id: string;
  /** Version of the document; 0 for a row. */
  readonly version: number;
  /** Everything but `_rt`. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Some of many, and where to go on. */
export interface Page<T> {
  /** In the order asked for. */
  readonly items: readonly T[];
  /** Give it back as `after` to get what follows; absent at the end. */
  readonly next?: string;
}

/** What a field can be compared with. */
export type Scalar = string | number | boolean;

/** Which documents, in which order. */
export interface Query {
  /** Fields (`owner`, `source.kind`) that must equal these values. */
  readonly where?: Readonly<Record<string, Scalar>>;
  /** Field to sort by, then by id; by id alone when absent. Documents without the field come first. */
  readonly sort?: string;
  /** From the greatest to the least. */
  readonly descending?: boolean;
  /** At most {@linkcode PAGE_MAX}. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Which ids, by how they begin, in the order of their characters. */
export interface Listing {
  /** How the ids begin; all when empty. */
  readonly prefix: string;
  /** From the last to the first. */
  readonly descending?: boolean;
  /** At most {@linkcode PAGE_MAX}. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Which documents want to be woken. */
export interface DueQuery {
  /** The collection to look in. */
  readonly collection: string;
  /** Shards and nodes that the reader owns. */
  readonly places: readonly (number | string)[];
  /** Wall time up to which, in milliseconds since the Unix epoch. */
  readonly untilMs: number;
  /** At most {@linkcode PAGE_MAX}. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Fields that are searched together. */
export interface Index {
  /** The collection. */
  readonly collection: string;
  /** Fields at the top, or paths into them, most significant first. */
  readonly fields: readonly string[];
}

/** Items in one page: an answer stays under a megabyte at 2 kB each. */
export const PAGE_MAX = 500;

/**
 * A place where documents outlive the process. A call that throws (`store/unavailable`,
 * `store/full`) leaves its outcome unknown: the write may land now, later or never.
 */
export interface Store {
  /**
   * Write `fence` into a document and read it. Goes through where the stored epoch is lower, or
   * equal with another incarnation or a lower activation; later writes of whoever held it fail.
   */
  load(key: DocumentKey, fence: Fence): Promise<Loaded>;
  /** Replace a document whose fence and version still are the writer's; version 0 inserts where nothing is. */
  commit(write: Commit): Promise<"committed" | "refused">;
  /** Keep rows; one whose key is taken is left as it is. All of them or, on failure, any. */
  insertRows(rows: readonly StoredRow[]): Promise<void>;
  /** Read one document or row, taking no fence. */
  get(key: DocumentKey): Promise<Found | undefined>;
  /** List documents or rows by how their id begins. */
  list(collection: string, listing: Listing): Promise<Page<Found>>;
  /** Search documents or rows by their fields. */
  query(collection: string, query: Query): Promise<Page<Found>>;
  /** Ids of the documents that want to be woken, the longest due first. */
  due(query: DueQuery): Promise<Page<string>>;
  /** Make these indexes, unless they are there. */
  declare(indexes: readonly Index[]): Promise<void>;
  /** Finish what was begun and let go; later calls throw. */
  close(): Promise<void>;
}
