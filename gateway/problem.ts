/**
 * Failures as callers see them: RFC 9457 problem documents with a number that never changes its meaning.
 *
 * @module
 */
import { type Log, LucidError } from "@lucid/runtime";
import { z } from "zod";
import { errorName, rowOf, statusOf } from "./errors.ts";

/** The body of every answer from 400 up, as `application/problem+json`. */
export const Problem = z.strictObject({
  type: z.string().meta({
    description: "Where this error is explained, on the same server",
  }),
  title: z.string().meta({ description: "The same for every case of it" }),
  status: z.int(),
  detail: z.string().meta({
    description: "What was attempted, and what is so",
  }),
  code: z.string().regex(/^LUCID_ERR_\d{4}$/),
  request_id: z.string().meta({ description: "Names this request in the log" }),
  errors: z.array(
    z.strictObject({ path: z.string(), message: z.string() }),
  ).exactOptional().meta({ description: "Each field that is wrong" }),
});
/** The body of every answer from 400 up. */
export type Problem = z.infer<typeof Problem>;

/** When to come again, in seconds: a failure may pass soon, room takes longer to come back. */
const RETRY_AFTER_S: Readonly<Record<string, string>> = {
  unavailable: "1",
  exhausted: "10",
};

/** The answer to a request that failed. */
export function problemResponse(
  error: LucidError,
  { requestId }: { readonly requestId: string },
): Response {
  const row = rowOf(error);
  const status = statusOf(row);
  const code = errorName(row);
  const issues = error.details["issues"];
  const problem: Problem = {
    type: `/docs#${code}`,
    title: row.title,
    status,
    detail: error.message,
    code,
    request_id: requestId,
    ...(Array.isArray(issues) ? { errors: issues } : {}),
  };
  const headers = new Headers({ "content-type": "application/problem+json" });
  const retryAfter = RETRY_AFTER_S[row.kind];
  if (retryAfter !== undefined) headers.set("retry-after", retryAfter);
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="lucid"');
  return new Response(JSON.stringify(problem), { status, headers });
}

/** The answer to whatever went wrong; what is our fault is told to the log, and only there in full. */
export function failureResponse(
  error: unknown,
  { requestId, log }: { readonly requestId: string; readonly log: Log },
): Response {
  if (error instanceof LucidError) {
    if (error.kind === "internal" || error.kind === "unavailable") {
      log.warn("request failed", { requestId, error });
    }
    return problemResponse(error, { requestId });
  }
  log.error("request threw", { requestId, error });
  return problemResponse(
    new LucidError(
      "gateway/internal",
      "internal",
      `Cannot answer: something is wrong on our side, and the log says more about request ${requestId}`,
    ),
    { requestId },
  );
}
