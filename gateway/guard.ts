/**
 * What every request passes, whatever it asks for: its name in the log, the host and page it comes through, its token,
 * and the headers that keep a browser from doing more with the answer than is meant.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import type { Context, MiddlewareHandler } from "hono";
import type { Caller, GatewayPorts } from "./ports.ts";
import { failureResponse } from "./problem.ts";

/** What the guard leaves for the operations. */
export interface Guarded {
  readonly Variables: {
    /** ULID, `x-request-id` of the answer. */
    requestId: string;
    caller: Caller;
  };
}

/** A token: ours have 43 characters, those of signed accounts will have a few hundred. */
const TOKEN_LENGTH_MAX = 4_096;

/** Callers of public operations. */
const NOBODY: Caller = { user: "", role: "user" };

// Nothing of ours needs scripts, frames or anything from elsewhere.
const HEADERS: readonly (readonly [string, string])[] = [
  [
    "content-security-policy",
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["cache-control", "no-store"],
];

/** The guard, to stand before all routes. `publicPaths` need no token. */
export function guard(
  { allowedHosts, tokens, ids, log, clock }: GatewayPorts,
  { publicPaths }: { readonly publicPaths: ReadonlySet<string> },
): MiddlewareHandler<Guarded> {
  // A browser leaves out port 80.
  const hosts = new Set(
    allowedHosts.flatMap((host) => [
      host.toLowerCase(),
      new URL(`http://${host}`).host,
    ]),
  );

  async function admit(c: Context<Guarded>): Promise<void> {
    const { request, path } = { request: c.req.raw, path: c.req.path };
    const host = hostOf(request);
    if (!hosts.has(host)) {
      throw new LucidError(
        "request/host",
        "invalid",
        `Cannot answer for host ${host.slice(0, 255)}: it is not one of ${
          allowedHosts.join(", ")
        }`,
      );
    }
    const origin = request.headers.get("origin");
    if (origin !== null && !isSame(origin, host)) {
      throw new LucidError(
        "request/origin",
        "denied",
        `Cannot answer a page of ${
          origin.slice(0, 255)
        }: only pages of this server may ask`,
      );
    }
    if (publicPaths.has(path)) {
      c.set("caller", NOBODY);
      return;
    }
    const caller = await tokens.verify(tokenOf(request));
    if (caller === undefined) {
      throw new LucidError(
        "auth/bad-token",
        "denied",
        "Cannot answer: the token is not one that this server gave out",
      );
    }
    c.set("caller", caller);
  }

  return async (c, next) => {
    const requestId = ids();
    c.set("requestId", requestId);
    const startedMs = clock.elapsedMs();
    try {
      await admit(c);
      await next();
    } catch (error) {
      // Of the guard itself: what an operation throws has become an answer by now.
      c.res = failureResponse(error, { requestId, log });
    }
    for (const [name, value] of HEADERS) c.res.headers.set(name, value);
    c.res.headers.set("x-request-id", requestId);
    const { status } = c.res;
    const { method } = c.req;
    const quiet = status < 400 && (method === "GET" || method === "HEAD");
    const level = status >= 500 ? "error" : quiet ? "debug" : "info";
    log[level]("request", {
      requestId,
      method,
      path: c.req.path.slice(0, 255),
      status,
      user: c.get("caller")?.user,
      tookMs: Math.round(clock.elapsedMs() - startedMs),
    });
  };
}

/** The host that the caller believes to be talking to. */
function hostOf(request: Request): string {
  const named = request.headers.get("host") ?? new URL(request.url).host;
  return named.toLowerCase();
}

function isSame(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

function tokenOf(request: Request): string {
  const given = request.headers.get("authorization");
  const token = given === null ? undefined : /^Bearer ([\x21-\x7e]+)$/i.exec(
    given.slice(0, TOKEN_LENGTH_MAX),
  )?.[1];
  if (token !== undefined) return token;
  throw new LucidError(
    "auth/no-token",
    "denied",
    given === null
      ? "Cannot answer: send the token as Authorization: Bearer TOKEN"
      : "Cannot answer: Authorization is not Bearer and a token",
  );
}
