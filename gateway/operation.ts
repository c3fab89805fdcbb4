/**
 * One operation of the API, declared once: the route, the checks at its door and its page in the API document all
 * come from the same object.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { LucidError } from "@lucid/runtime";
import type { z } from "zod";
import { readBody } from "./body.ts";
import { check } from "./check.ts";
import type { Caller } from "./ports.ts";

/** A strict object, or `undefined` where nothing is taken. */
type Shape = z.ZodObject | undefined;
type Value<S extends Shape> = S extends z.ZodObject ? z.output<S>
  : Record<never, never>;

/** What an answer carries, for the API document. */
export interface Content {
  readonly description: string;
  /** `application/json` where a schema is given; else bytes or text of this type. */
  readonly mediaType?: string;
  readonly schema?: z.ZodType;
  /** Headers that say something about the content. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request, checked. */
export interface Call<
  P extends Shape = Shape,
  Q extends Shape = Shape,
  B extends Shape = Shape,
> {
  readonly params: Value<P>;
  readonly query: Value<Q>;
  readonly body: Value<B>;
  /** Who asks; nobody in particular for a public operation. */
  readonly caller: Caller;
  /** What the caller named this request, where it did. */
  readonly idempotencyKey: string | undefined;
  /** Operation id for actors: the same for the same request under the same key, fresh without one. */
  readonly op: string;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
}

/** One method of one path. */
export interface Operation<
  P extends Shape = Shape,
  Q extends Shape = Shape,
  B extends Shape = Shape,
> {
  readonly method: "get" | "post" | "delete";
  /** With parameters in braces: `/api/v1/sessions/{id}`. */
  readonly path: string;
  /** Unique: `session.start`. */
  readonly id: string;
  readonly tag: "Meta" | "Sessions" | "Evidence" | "Chain";
  readonly summary: string;
  /** What the summary leaves out, in Markdown-free text. */
  readonly description?: string;
  /** Open to callers without a token. */
  readonly public?: true;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Where more than {@linkcode JSON_BYTES_MAX} makes sense. */
  readonly bodyBytesMax?: number;
  readonly status: 200 | 201;
  readonly content: Content;
  /** Codes of `errors.ts` that are its own; those of every operation are understood. */
  readonly refusals?: readonly string[];
  handle(call: Call<P, Q, B>): Promise<Response> | Response;
}

/** A JSON body: the largest we have is a session's, under 10 kB. */
export const JSON_BYTES_MAX = 1024 * 1024;

/** An idempotency key: any visible ASCII, as long as two ULIDs and a few words. */
const KEY_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** Give an operation its types. */
export function operation<
  P extends Shape = undefined,
  Q extends Shape = undefined,
  B extends Shape = undefined,
>(declared: Operation<P, Q, B>): Operation {
  return declared as unknown as Operation;
}

/** What the router and the guard know of a request. */
export interface Arrival {
  readonly request: Request;
  /** Path parameters as they were written. */
  readonly params: Readonly<Record<string, string>>;
  readonly caller: Caller;
  /** What stands in for an idempotency key that was not given: unique to this request. */
  readonly requestId: string;
  /** Calls a function later; returns how to call it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/**
 * Check a request and do what it asks.
 *
 * @throws {LucidError} `request/…` where it does not fit, and whatever the operation throws.
 */
export async function perform(
  declared: Operation,
  arrival: Arrival,
): Promise<Response> {
  const { request, caller, requestId } = arrival;
  const params = check(declared.params, arrival.params, "the path");
  const query = check(declared.query, queryOf(request.url), "the query");
  const body = declared.method === "get" ? {} : check(
    declared.body,
    await readBody(arrival, declared.bodyBytesMax ?? JSON_BYTES_MAX, {
      required: declared.body !== undefined,
    }),
    "the body",
  );
  const idempotencyKey = keyOf(request);
  const op = idempotencyKey === undefined ? requestId : operationId(
    [
      caller.user,
      request.method,
      new URL(request.url).pathname,
      idempotencyKey,
    ],
  );
  return await declared.handle({
    params,
    query,
    body,
    caller,
    idempotencyKey,
    op,
    // A getter: Deno watches the connection only for those who ask.
    get signal() {
      return request.signal;
    },
  });
}

function queryOf(url: string): Record<string, string> {
  const query: Record<string, string> = {};
  if (!url.includes("?")) return query;
  for (const [name, value] of new URL(url).searchParams) {
    if (Object.hasOwn(query, name)) {
      throw new LucidError(
        "request/invalid",
        "invalid",
        `Cannot read the query: ${name} is given twice`,
      );
    }
    query[name] = value;
  }
  return query;
}

function keyOf(request: Request): string | undefined {
  const key = request.headers.get("idempotency-key");
  if (key === null) return undefined;
  if (KEY_PATTERN.test(key)) return key;
  throw new LucidError(
    "request/format",
    "invalid",
    "Cannot read the Idempotency-Key: it is not 1 to 128 visible ASCII characters",
  );
}

/** One text for many, of one length whatever they hold. */
export function operationId(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
