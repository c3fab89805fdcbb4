/**
 * The API of a Lucid that runs on this machine, called as its owner.
 *
 * @module
 */
import { join } from "node:path";
import { LucidError, parse } from "@lucid/runtime";
import { z } from "zod";
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

/** How the API says no, as far as commands need it. */
const Problem = z.object({ detail: z.string(), code: z.string() });

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
    const { detail, code } = parse(
      Problem,
      await json(response),
      `the answer of ${address}`,
    );
    throw new LucidError("client/refused", "invalid", `${detail} (${code})`);
  }

  async function json(response: Response): Promise<unknown> {
    try {
      return await response.json();
    } catch (cause) {
      throw new LucidError(
        "client/not-lucid",
        "unavailable",
        `Cannot read the answer of ${address}: ${
          (cause as Error).message
        }; is it Lucid that listens there?`,
        { cause },
      );
    }
  }

  return {
    get: async <T>(path: string) => await json(await call(path)) as T,
    post: async <T>(path: string, body?: unknown) =>
      await json(
        await call(path, {
          method: "POST",
          ...(body === undefined ? {} : {
            body: JSON.stringify(body),
            headers: { "Content-Type": "application/json" },
          }),
        }),
      ) as T,
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
