/**
 * The statements of the SQLite store: one synchronous module, which neither knows nor cares that
 * it runs in a worker. A collection is a table of ids and documents; whatever is searched is an
 * index over an expression of the document. Only what every write and every look at what is due
 * compares has columns beside it, written in the same statement, because reading JSON for it costs
 * more than the write; rows leave them empty.
 *
 * @module
 */
import {
  DatabaseSync,
  type SQLInputValue,
  type StatementSync,
} from "node:sqlite";
import { LucidError } from "../errors.ts";
import {
  type Commit,
  type DocumentKey,
  type DueQuery,
  type Fence,
  type Found,
  type Index,
  type Listing,
  type Loaded,
  type Page,
  PAGE_MAX,
  type Query,
  type Scalar,
  type StoredRow,
} from "../store.ts";
import { checkName, readCursor, writeCursor } from "./rules.ts";

/** One call to the store, as data that can cross to a worker. */
export type Call =
  | { readonly call: "load"; readonly key: DocumentKey; readonly fence: Fence }
  | {
    readonly call: "commit";
    readonly write: Omit<Commit, "document"> & {
      /** The document as text: it is smaller to carry, and needed as text. */
      readonly document: string;
      readonly place: number | string;
      /** Null for never. */
      readonly due: number | null;
    };
  }
  | { readonly call: "insertRows"; readonly rows: readonly StoredRow[] }
  | { readonly call: "get"; readonly key: DocumentKey }
  | {
    readonly call: "list";
    readonly collection: string;
    readonly listing: Listing;
  }
  | {
    readonly call: "query";
    readonly collection: string;
    readonly query: Query;
  }
  | { readonly call: "due"; readonly query: DueQuery }
  | { readonly call: "declare"; readonly indexes: readonly Index[] };

/** What came of a call. */
export type Result =
  | { readonly value: unknown }
  | {
    readonly error: Pick<LucidError, "code" | "kind" | "message">;
  };

const WRITES: ReadonlySet<Call["call"]> = new Set([
  "load",
  "commit",
  "insertRows",
  "declare",
]);

/** How long to wait for somebody who copies the file (a backup) before giving up. */
const BUSY_MS = 2_000;

interface Line {
  readonly id: string;
  readonly document: string;
  readonly rank: Scalar | null;
}

/** One database file, open. */
export class SqliteFile {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #tables = new Set<string>();

  /** Open or create the file at `path`. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(
      `PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`,
    );
  }

  /** Do all calls, in one transaction if any of them writes: all are on disk when this returns, or none. */
  run(calls: readonly Call[]): Result[] {
    const writes = calls.some(({ call }) => WRITES.has(call));
    try {
      if (writes) this.#database.exec("BEGIN IMMEDIATE");
      const results = calls.map((call) => this.#attempt(call));
      if (writes) this.#database.exec("COMMIT");
      return results;
    } catch (cause) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      // A table made in the transaction is gone with it.
      this.#tables.clear();
      this.#statements.clear();
      const error = readable(cause);
      return calls.map(() => ({ error }));
    }
  }

  /** Let go of the file. */
  close(): void {
    this.#database.close();
  }

  #attempt(call: Call): Result {
    try {
      return { value: this.#do(call) };
    } catch (error) {
      if (!(error instanceof LucidError)) throw error;
      const { code, kind, message } = error;
      return { error: { code, kind, message } };
    }
  }

  #do(call: Call): unknown {
    switch (call.call) {
      case "load":
        return this.#load(call.key, call.fence);
      case "commit":
        return this.#commit(call.write);
      case "insertRows":
        return this.#insertRows(call.rows);
      case "get":
        return this.#get(call.key);
      case "list":
        return this.#list(call.collection, call.listing);
      case "query":
        return this.#query(call.collection, call.query);
      case "due":
        return this.#due(call.query);
      case "declare":
        return this.#declare(call.indexes);
    }
  }

  #load({ collection, id }: DocumentKey, fence: Fence): Loaded {
    const table = this.#table(collection);
    const { epoch, incarnation, activation } = fence;
    const loaded = this.#prepare(
      `UPDATE ${table} SET epoch = ?1, incarnation = ?2, activation = ?3,
         document = json_set(document, '$._rt.fence', json(?4))
       WHERE id = ?5 AND (epoch < ?1 OR (epoch = ?1 AND (incarnation <> ?2 OR activation < ?3)))
       RETURNING document`,
    ).get(epoch, incarnation, activation, JSON.stringify(fence), id);
    if (loaded !== undefined) {
      return {
        found: "document",
        document: JSON.parse(String(loaded["document"])),
      };
    }
    const held = this.#prepare(
      `SELECT epoch, incarnation, activation FROM ${table} WHERE id = ?`,
    ).get(id);
    return held === undefined
      ? { found: "nothing" }
      : { found: "fenced", fence: held as unknown as Fence };
  }

  #commit(
    { collection, id, fence, version, document, place, due }: Extract<
      Call,
      { call: "commit" }
    >["write"],
  ): "committed" | "refused" {
    const table = this.#table(collection);
    const { epoch, incarnation, activation } = fence;
    const statement = this.#prepare(
      version === 0
        ? `INSERT INTO ${table} (document, place, due, id, version, epoch, incarnation, activation)
           VALUES (?, ?, ?, ?, ? + 1, ?, ?, ?) ON CONFLICT DO NOTHING`
        : `UPDATE ${table} SET document = ?, place = ?, due = ?, version = version + 1
           WHERE id = ? AND version = ? AND epoch = ? AND incarnation = ? AND activation = ?`,
    );
    const { changes } = statement.run(
      document,
      place,
      due,
      id,
      version,
      epoch,
      incarnation,
      activation,
    );
    return changes === 1 ? "committed" : "refused";
  }

  #insertRows(rows: readonly StoredRow[]): void {
    for (const { table, key, value } of rows) {
      this.#prepare(
        `INSERT INTO ${
          this.#table(table)
        } (id, document) VALUES (?, ?) ON CONFLICT DO NOTHING`,
      ).run(key, JSON.stringify(value));
    }
  }

  #get({ collection, id }: DocumentKey): Found | undefined {
    const line = this.#prepare(
      `SELECT id, document FROM ${this.#table(collection)} WHERE id = ?`,
    ).get(id);
    return line && found(line as unknown as Line);
  }

  #list(collection: string, listing: Listing): Page<Found> {
    const { prefix, descending = false, limit, after } = listing;
    const [sign, way] = descending ? ["<", "DESC"] : [">", "ASC"];
    const start = after === undefined
      ? []
      : [bindable(readCursor(after)[0] ?? null)];
    const lines = this.#lines(
      `SELECT id, document, NULL AS rank FROM ${this.#table(collection)}
       WHERE id >= ? AND id < ? || char(1114111) ${
        start.length > 0 ? `AND id ${sign} ?` : ""
      }
       ORDER BY id ${way} LIMIT ?`,
      [prefix, prefix, ...start],
      limit,
    );
    return page(lines, limit, ({ id }) => [id]);
  }

  #query(collection: string, query: Query): Page<Found> {
    const { where = {}, sort, descending = false, limit, after } = query;
    const rank = sort === undefined ? "NULL" : fieldOf(sort);
    const terms = Object.keys(where).map((path) => `${fieldOf(path)} = ?`);
    const values: SQLInputValue[] = Object.values(where).map(bindable);
    if (after !== undefined) {
      const cursor = readCursor(after).map(bindable);
      const [at, id] = cursor.length === 1
        ? [null, cursor[0]!]
        : [cursor[0]!, cursor[1]!];
      terms.push(following({ rank, at, descending }));
      values.push(...at === null ? [id] : [at, id]);
    }
    const way = descending ? "DESC" : "ASC";
    const order = sort === undefined
      ? `id ${way}`
      : `${rank} ${way}, id ${way}`;
    const lines = this.#lines(
      `SELECT id, document, ${rank} AS rank FROM ${this.#table(collection)}
       ${
        terms.length > 0 ? `WHERE ${terms.join(" AND ")}` : ""
      } ORDER BY ${order} LIMIT ?`,
      values,
      limit,
    );
    return page(
      lines,
      limit,
      (line) => sort === undefined ? [line.id] : [line.rank, line.id],
    );
  }

  #due({ collection, places, untilMs, limit, after }: DueQuery): Page<string> {
    const start = after === undefined ? [] : readCursor(after).map(bindable);
    const lines = this.#lines(
      `SELECT id, '{}' AS document, due AS rank FROM ${this.#table(collection)}
       WHERE due <= ? AND place IN (SELECT value FROM json_each(?))
       ${start.length > 0 ? "AND (due, id) > (?, ?)" : ""}
       ORDER BY due, id LIMIT ?`,
      [untilMs, JSON.stringify(places), ...start],
      limit,
    );
    const { items, ...rest } = page(lines, limit, ({ rank, id }) => [rank, id]);
    return { ...rest, items: items.map(({ id }) => id) };
  }

  #declare(indexes: readonly Index[]): void {
    for (const { collection, fields } of indexes) {
      const name = `${checkName(collection)}_by_${
        fields.map(checkName).join("_").replaceAll(".", "_")
      }`;
      const columns = [...fields.map(fieldOf), "id"].join(", ");
      this.#database.exec(
        `CREATE INDEX IF NOT EXISTS "${name}" ON ${
          this.#table(collection)
        } (${columns})`,
      );
    }
  }

  #lines(sql: string, values: readonly SQLInputValue[], limit: number): Line[] {
    // One more than asked for tells whether there is a next page.
    const lines = this.#prepare(sql).all(
      ...values,
      Math.min(limit, PAGE_MAX) + 1,
    );
    return lines as unknown as Line[];
  }

  /** The quoted name of a collection's table, which is made at its first use. */
  #table(collection: string): string {
    const table = `"${checkName(collection)}"`;
    if (this.#tables.has(table)) return table;
    this.#database.exec(
      `CREATE TABLE IF NOT EXISTS ${table} (
         id TEXT PRIMARY KEY,
         version INTEGER, epoch INTEGER, incarnation TEXT, activation INTEGER,
         place, -- of no type: shard 7 and node "7" are two places
         due INTEGER,
         document TEXT NOT NULL
       ) WITHOUT ROWID;
       CREATE INDEX IF NOT EXISTS "${collection}_due" ON ${table} (due, id, place) WHERE due IS NOT NULL`,
    );
    this.#tables.add(table);
    return table;
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** What comes after a cursor, where documents without the field count as the least. */
function following(
  { rank, at, descending }: {
    readonly rank: string;
    readonly at: SQLInputValue;
    readonly descending: boolean;
  },
): string {
  if (rank === "NULL") return `id ${descending ? "<" : ">"} ?`;
  if (at !== null) {
    return descending
      ? `((${rank}, id) < (?, ?) OR ${rank} IS NULL)`
      : `(${rank}, id) > (?, ?)`;
  }
  return descending
    ? `(${rank} IS NULL AND id < ?)`
    : `(${rank} IS NOT NULL OR id > ?)`;
}

function fieldOf(path: string): string {
  return `document->>'$.${checkName(path)}'`;
}

function bindable(value: Scalar | null): SQLInputValue {
  return typeof value === "boolean" ? Number(value) : value;
}

function found({ id, document }: Line): Found {
  const { _rt, ...fields } = JSON.parse(document);
  return { id, version: _rt?.version ?? 0, fields };
}

function page(
  lines: readonly Line[],
  limit: number,
  rankOf: (line: Line) => readonly (Scalar | null)[],
): Page<Found> {
  const some = lines.slice(0, Math.min(limit, PAGE_MAX));
  const last = some.at(-1);
  return {
    items: some.map(found),
    ...(last !== undefined && lines.length > some.length &&
      { next: writeCursor(rankOf(last)) }),
  };
}

/** SQLite's own numbers for what a person can do something about. */
const SQLITE_FULL = 13;

/** What went wrong with the file, as a caller of the store may hear it. */
export function readable(
  cause: unknown,
): Pick<LucidError, "code" | "kind" | "message"> {
  const { errcode, message } = cause as { errcode?: number; message?: string };
  return errcode === SQLITE_FULL
    ? {
      code: "store/full",
      kind: "exhausted",
      message:
        "Cannot write to the store: the disk is full; free some space, nothing else is needed",
    }
    : {
      code: "store/unavailable",
      kind: "unavailable",
      message: `Cannot use the store: ${message ?? cause}`,
    };
}
