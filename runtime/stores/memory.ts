/**
 * A store that lives as long as its process: for tests, and for looking at how little a driver is.
 * Documents are kept as text, so that nothing a caller holds on to can change them.
 *
 * @module
 */
import { LucidError } from "../errors.ts";
import {
  type Commit,
  type DocumentKey,
  type DueQuery,
  type Fence,
  type Found,
  type Listing,
  type Loaded,
  type Page,
  PAGE_MAX,
  type Query,
  type Scalar,
  type Store,
  type Stored,
  type StoredRow,
} from "../store.ts";
import { checkName, outranks, readCursor, writeCursor } from "./rules.ts";

/** What a memory store holds; opening it again is a restart. */
export type Memory = Map<string, Map<string, string>>;

/**
 * Open a store over `memory`, or over an empty one.
 *
 * @param memory What an earlier store left.
 */
export function openMemoryStore(memory: Memory = new Map()): Store {
  return new MemoryStore(memory);
}

class MemoryStore implements Store {
  readonly #memory: Memory;
  #closed = false;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  // deno-lint-ignore require-await -- a driver answers later
  async load({ collection, id }: DocumentKey, fence: Fence): Promise<Loaded> {
    const document = this.#read(collection, id);
    if (document === undefined) return { found: "nothing" };
    const stored = document._rt.fence;
    if (!outranks(fence, stored)) return { found: "fenced", fence: stored };
    const fenced = { ...document, _rt: { ...document._rt, fence } };
    this.#write(collection, id, fenced);
    return { found: "document", document: fenced };
  }

  // deno-lint-ignore require-await -- a driver answers later
  async commit(write: Commit): Promise<"committed" | "refused"> {
    const { collection, id, fence, version, document } = write;
    const stored = this.#read(collection, id);
    const mine = stored === undefined
      ? version === 0
      : stored._rt.version === version && sameFence(stored._rt.fence, fence);
    if (!mine) return "refused";
    this.#write(collection, id, document);
    return "committed";
  }

  // deno-lint-ignore require-await -- a driver answers later
  async insertRows(rows: readonly StoredRow[]): Promise<void> {
    for (const { table, key, value } of rows) {
      if (!this.#collection(table).has(key)) this.#write(table, key, value);
    }
  }

  // deno-lint-ignore require-await -- a driver answers later
  async get({ collection, id }: DocumentKey): Promise<Found | undefined> {
    const document = this.#read(collection, id);
    return document && found(id, document);
  }

  // deno-lint-ignore require-await -- a driver answers later
  async list(collection: string, listing: Listing): Promise<Page<Found>> {
    const { prefix, descending = false, limit, after } = listing;
    const items = this.#all(collection)
      .filter(({ id }) => id.startsWith(prefix))
      .map((item) => ({ ...item, rank: [item.id] }));
    return page(items, { descending, limit, after });
  }

  // deno-lint-ignore require-await -- a driver answers later
  async query(collection: string, query: Query): Promise<Page<Found>> {
    const { where = {}, sort, descending = false, limit, after } = query;
    [...Object.keys(where), ...sort === undefined ? [] : [sort]].forEach(
      checkName,
    );
    const items = this.#all(collection)
      .filter(({ fields }) =>
        Object.entries(where).every(([path, value]) =>
          at(fields, path) === value
        )
      )
      .map((item) => ({
        ...item,
        rank: sort === undefined
          ? [item.id]
          : [at(item.fields, sort) as Scalar ?? null, item.id],
      }));
    return page(items, { descending, limit, after });
  }

  // deno-lint-ignore require-await -- a driver answers later
  async due(query: DueQuery): Promise<Page<string>> {
    const items = [];
    for (const id of this.#collection(query.collection).keys()) {
      const rt = this.#read(query.collection, id)?._rt;
      if (rt?.due === undefined || rt.due > query.untilMs) continue;
      if (query.places.includes(rt.place)) {
        items.push({ id, rank: [rt.due, id] });
      }
    }
    const { limit, after } = query;
    const some = page(items, { descending: false, limit, after });
    return { ...some, items: some.items.map(({ id }) => id) };
  }

  async declare(): Promise<void> {}

  // deno-lint-ignore require-await -- a driver answers later
  async close(): Promise<void> {
    this.#closed = true;
  }

  #collection(name: string): Map<string, string> {
    if (this.#closed) {
      throw new LucidError(
        "store/closed",
        "unavailable",
        "Cannot use the store: it is closed",
      );
    }
    const known = this.#memory.get(checkName(name)) ??
      new Map<string, string>();
    this.#memory.set(name, known);
    return known;
  }

  #read(collection: string, id: string): Stored | undefined {
    const text = this.#collection(collection).get(id);
    return text === undefined ? undefined : JSON.parse(text);
  }

  #write(collection: string, id: string, value: unknown): void {
    this.#collection(collection).set(id, JSON.stringify(value));
  }

  #all(collection: string): Found[] {
    const ids = [...this.#collection(collection).keys()];
    return ids.map((id) => found(id, this.#read(collection, id)!));
  }
}

function found(id: string, document: Partial<Stored>): Found {
  const { _rt, ...fields } = document;
  return { id, version: _rt?.version ?? 0, fields };
}

function sameFence(a: Fence, b: Fence): boolean {
  return a.epoch === b.epoch && a.incarnation === b.incarnation &&
    a.activation === b.activation;
}

function at(fields: unknown, path: string): unknown {
  return path.split(".").reduce(
    (value, key) => (value as Record<string, unknown> | undefined)?.[key],
    fields,
  );
}

type Rank = readonly (Scalar | null)[];

function page<T extends { readonly rank: Rank }>(
  items: readonly T[],
  { descending, limit, after }: {
    readonly descending: boolean;
    readonly limit: number;
    readonly after: string | undefined;
  },
): Page<Omit<T, "rank">> {
  const way = descending ? -1 : 1;
  const sorted = items.toSorted((a, b) => way * compare(a.rank, b.rank));
  const start = after === undefined ? undefined : readCursor(after);
  const rest = start === undefined
    ? sorted
    : sorted.filter(({ rank }) => way * compare(rank, start) > 0);
  const some = rest.slice(0, Math.min(limit, PAGE_MAX));
  const last = some.at(-1);
  return {
    items: some.map(({ rank: _, ...item }) => item),
    ...(last !== undefined && rest.length > some.length &&
      { next: writeCursor(last.rank) }),
  };
}

function compare(a: Rank, b: Rank): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? null;
    if (left === right) continue;
    if (left === null) return -1;
    if (right === null) return 1;
    return left < right ? -1 : 1;
  }
  return 0;
}
