/**
 * The baseline of grouped commits: bare `node:sqlite`, the fence in columns of its own, one prepared statement, as many
 * writes to a transaction as the store groups.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { Stored } from "@lucid/runtime";

/** As many as the store's own batches hold. */
const GROUP = 512;

/** A table of documents, each at version 0. */
export function openRawTable(
  path: string,
  documents: ReadonlyMap<string, Stored>,
) {
  const database = new DatabaseSync(path);
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
     CREATE TABLE notes (id TEXT PRIMARY KEY, version INTEGER, epoch INTEGER, incarnation TEXT, activation INTEGER,
       document TEXT NOT NULL) WITHOUT ROWID`,
  );
  const insert = database.prepare(
    "INSERT INTO notes VALUES (?, 0, 1, 'one', 1, '{}')",
  );
  const update = database.prepare(
    `UPDATE notes SET version = version + 1, document = ?
     WHERE id = ? AND version = ? AND epoch = 1 AND incarnation = 'one' AND activation = 1`,
  );
  const ids = [...documents.keys()];
  const versions = new Map(ids.map((id) => [id, 0]));
  database.exec("BEGIN");
  for (const id of ids) insert.run(id);
  database.exec("COMMIT");
  return {
    /** Commit every document once, in groups. */
    commitAll(): { readonly perSecond: number } {
      const began = performance.now();
      for (let at = 0; at < ids.length; at += GROUP) {
        database.exec("BEGIN IMMEDIATE");
        for (const id of ids.slice(at, at + GROUP)) {
          const version = versions.get(id)!;
          const text = JSON.stringify(documents.get(id));
          const { changes } = update.run(text, id, version);
          if (changes !== 1) throw new Error(`Cannot commit ${id}: it moved`);
          versions.set(id, version + 1);
        }
        database.exec("COMMIT");
      }
      return { perSecond: 1_000 * ids.length / (performance.now() - began) };
    },
    [Symbol.dispose]: () => database.close(),
  };
}
