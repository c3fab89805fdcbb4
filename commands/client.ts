/**
 * The API of a Lucid that runs on this machine, called as its owner.
 *
 * @module
 */
import { join } from "node:path";
import { LucidError } from "@lucid/runtime";
import { readIfThere } from "../machine/data_folder.ts";

/** A session as the API shows it, as far as commands need it. */
export interface SessionView {
  readonly session_id: string;
  readonly status: string;
  readonly failed: boolean;
  readonly failure?: string;
  readonly chunk_count: number;
  readonly gap_count: number;
  readonly size_bytes: number;
  readonly started_at?: number;
  readonly ended_at?: number;
  readonly completed_at?: number;
  readonly anchor?: { readonly height: number; readonly block_time: number };
}

/** Calls under `/api/v1`; each throws a {@linkcode LucidError} with the sentence of the answer. */
export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  text(path: string): Promise<string>;
  bytes(path: string): Promise<Uint8Array<ArrayBuffer>>;
  stream(path: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
}

/**
 * Open a client for the Lucid that holds a data folder.
 *
 * @throws {LucidError} `client/not-up` when none runs there.
 */
export function openClient(dataPath: string): Client {
  const address = readText(join(dataPath, "lucid.url"));
  const token = readText(join(dataPath, "keys", "owner.token"));
  if (address === undefined || token === undefined) throw notUp(dataPath);

  async function call(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${address}/api/v1${path}`, {
        ...init,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
      });
    } catch (cause) {
      throw notUp(dataPath, cause);
    }
    if (response.ok) return response;
    const problem = await response.json() as { detail: string; code: string };
    throw new LucidError(
      "client/refused",
      "invalid",
      `${problem.detail} (${problem.code})`,
    );
  }

  return {
    get: async <T>(path: string) => await (await call(path)).json() as T,
    post: async <T>(path: string, body?: unknown) =>
      await (await call(path, {
        method: "POST",
        ...(body === undefined ? {} : {
          body: JSON.stringify(body),
          headers: { "Content-Type": "application/json" },
        }),
      })).json() as T,
    text: async (path) => await (await call(path)).text(),
    bytes: async (path) => await (await call(path)).bytes(),
    stream: async (path) => (await call(path)).body!,
  };
}

function notUp(dataPath: string, cause?: unknown): LucidError {
  return new LucidError(
    "client/not-up",
    "unavailable",
    `Cannot reach Lucid: none is up on the data folder ${dataPath}; start lucid up, or set LUCID_DATA`,
    { cause },
  );
}

function readText(path: string): string | undefined {
  const bytes = readIfThere(path);
  return bytes && new TextDecoder().decode(bytes).trim();
}
