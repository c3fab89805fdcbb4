/**
 * The worker that holds the database file: the first message names it, each further one is a
 * batch of calls.
 *
 * @module
 */
import { type Call, readable, SqliteFile } from "./sqlite_file.ts";

/** What this module needs of the worker it runs in. */
interface Port {
  onmessage: ((event: MessageEvent<string | readonly Call[]>) => void) | null;
  postMessage(message: unknown): void;
}

const port = globalThis as unknown as Port;
let file: SqliteFile | undefined;

port.onmessage = ({ data }) => {
  if (file !== undefined && typeof data !== "string") {
    return port.postMessage(file.run(data));
  }
  if (file !== undefined) {
    file.close();
    return port.postMessage([{ value: "closed" }]);
  }
  try {
    file = new SqliteFile(String(data));
    port.postMessage([{ value: "open" }]);
  } catch (cause) {
    port.postMessage([{ error: readable(cause) }]);
  }
};
