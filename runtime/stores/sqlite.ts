/**
 * The store that needs nothing but a file: SQLite in a worker, `synchronous = FULL`. Group commit
 * without a timer: one batch of calls is under way, and the next gathers meanwhile; so one write
 * alone waits for nobody, and a thousand share one fsync.
 *
 * @module
 */
import { LucidError } from "../errors.ts";
import type { Found, Loaded, Page, Store } from "../store.ts";
import type { Call, Result } from "./sqlite_file.ts";

/** Calls that wait for the batch under way; an actor has one, so this is a flood of readers. */
const WAITING_MAX = 16_384;
/** Calls in one batch: a few milliseconds of work, so that a lone reader does not wait for long. */
const BATCH_MAX = 512;

/**
 * Open the database file at `path`, making it where there is none.
 *
 * @param path The file; `-wal` and `-shm` files lie beside it.
 * @throws {LucidError} `store/unavailable` where it cannot be opened or is no database.
 */
export async function openSqliteStore(
  { path }: { readonly path: string },
): Promise<Store> {
  const shell = new Shell();
  try {
    await shell.talk(path);
  } catch (error) {
    shell.end();
    throw new LucidError(
      "store/unavailable",
      "unavailable",
      `Cannot open ${path}: ${(error as Error).message}`,
      { cause: error },
    );
  }
  return new SqliteStore(shell);
}

class SqliteStore implements Store {
  readonly #shell: Shell;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  load(key: Parameters<Store["load"]>[0], fence: Parameters<Store["load"]>[1]) {
    return this.#shell.call<Loaded>({ call: "load", key, fence });
  }

  commit(write: Parameters<Store["commit"]>[0]) {
    const { place, due = null } = write.document._rt;
    const document = JSON.stringify(write.document);
    return this.#shell.call<"committed" | "refused">({
      call: "commit",
      write: { ...write, document, place, due },
    });
  }

  insertRows(rows: Parameters<Store["insertRows"]>[0]) {
    return this.#shell.call<void>({ call: "insertRows", rows });
  }

  get(key: Parameters<Store["get"]>[0]) {
    return this.#shell.call<Found | undefined>({ call: "get", key });
  }

  list(collection: string, listing: Parameters<Store["list"]>[1]) {
    return this.#shell.call<Page<Found>>({ call: "list", collection, listing });
  }

  query(collection: string, query: Parameters<Store["query"]>[1]) {
    return this.#shell.call<Page<Found>>({ call: "query", collection, query });
  }

  due(query: Parameters<Store["due"]>[0]) {
    return this.#shell.call<Page<string>>({ call: "due", query });
  }

  declare(indexes: Parameters<Store["declare"]>[0]) {
    return this.#shell.call<void>({ call: "declare", indexes });
  }

  close() {
    return this.#shell.close();
  }
}

interface Waiting {
  readonly call: Call;
  readonly resolve: (value: never) => void;
  readonly reject: (error: LucidError) => void;
}

/** The worker, and who waits for it. */
class Shell {
  readonly #worker = new Worker(
    new URL("./sqlite_worker.ts", import.meta.url),
    {
      type: "module",
      name: "sqlite",
    },
  );
  #next: Waiting[] = [];
  #batch: Waiting[] = [];
  #idle: (() => void) | undefined;
  #closed = false;

  /** Do one call with the next batch. */
  call<T>(call: Call): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#closed || this.#next.length >= WAITING_MAX) {
      reject(this.#closed ? closed() : crowded());
    } else {
      this.#next.push({ call, resolve, reject });
      if (this.#batch.length === 0) this.#go();
    }
    return promise;
  }

  /** Say one thing to the worker outside any batch: the path at first, anything at last. */
  talk(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#worker.onmessage = ({ data }: MessageEvent<readonly Result[]>) => {
      const [result] = data;
      if (result !== undefined && "error" in result) {
        reject(asError(result.error));
      } else resolve();
      this.#worker.onmessage = (event) => this.#came(event.data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failed(event.message);
      reject(
        asError({
          code: "store/unavailable",
          kind: "unavailable",
          message: event.message,
        }),
      );
    };
    this.#worker.postMessage(text);
    return promise;
  }

  /** Finish what waits, close the file, end the worker. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#batch.length > 0) {
      await new Promise<void>((resolve) => this.#idle = resolve);
    }
    await this.talk("close");
    this.end();
  }

  /** End the worker. */
  end(): void {
    this.#worker.terminate();
  }

  #go(): void {
    this.#batch = this.#next.splice(0, BATCH_MAX);
    if (this.#batch.length === 0) return this.#idle?.();
    this.#worker.postMessage(this.#batch.map(({ call }) => call));
  }

  #came(results: readonly Result[]): void {
    const batch = this.#batch;
    for (const [i, { resolve, reject }] of batch.entries()) {
      const result = results[i]!;
      if ("error" in result) reject(asError(result.error));
      else resolve(result.value as never);
    }
    this.#go();
  }

  /** The worker died: nobody knows what it still did. */
  #failed(message: string): void {
    this.#closed = true;
    const waiting = [...this.#batch, ...this.#next];
    this.#batch = [];
    this.#next = [];
    const error = asError({
      code: "store/unavailable",
      kind: "unavailable",
      message: `Cannot use the store: its worker ended: ${message}`,
    });
    for (const { reject } of waiting) reject(error);
  }
}

function asError(
  { code, kind, message }: Pick<LucidError, "code" | "kind" | "message">,
): LucidError {
  return new LucidError(code, kind, message);
}

function closed(): LucidError {
  return new LucidError(
    "store/closed",
    "unavailable",
    "Cannot use the store: it is closed",
  );
}

function crowded(): LucidError {
  return new LucidError(
    "store/busy",
    "exhausted",
    `Cannot use the store: ${WAITING_MAX} calls wait for it`,
  );
}
