/**
 * The gateway: Lucid over HTTP. It checks, asks actors, and shows; it decides nothing.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { type Context, Hono } from "hono";
import { chainOperations } from "./chain.ts";
import { docsPage } from "./docs_page.ts";
import { STYLE } from "./docs_style.ts";
import { eventOperations } from "./events.ts";
import { evidenceOperations } from "./evidence.ts";
import { guard, type Guarded } from "./guard.ts";
import { metaOperations } from "./meta.ts";
import { openApi } from "./openapi.ts";
import { type Operation, perform } from "./operation.ts";
import type { GatewayPorts } from "./ports.ts";
import { failureResponse, problemResponse } from "./problem.ts";
import { sessionOperations } from "./sessions.ts";

/** The gateway, ready to be served. */
export interface Gateway {
  /** Answer one request. Never rejects. */
  fetch(request: Request): Promise<Response>;
  /** All that it can do: what the API document is made of. */
  readonly operations: readonly Operation[];
  /** End the streams that are open; other requests are answered as before. */
  close(): void;
}

/** Where each document is, and what is in it. */
type Pages = Readonly<Record<string, readonly [mediaType: string, string]>>;

/** Put the gateway together. */
export function createApp(ports: GatewayPorts): Gateway {
  const closing = new AbortController();
  const operations = [
    ...metaOperations(ports),
    ...sessionOperations(ports),
    ...eventOperations(ports, { closing: closing.signal }),
    ...evidenceOperations(ports),
    ...chainOperations(ports),
  ];
  const document = openApi(operations, ports);
  const pages: Pages = {
    "/openapi.json": ["application/json", JSON.stringify(document)],
    "/docs": ["text/html; charset=utf-8", docsPage(document)],
    "/docs/style.css": ["text/css; charset=utf-8", STYLE],
  };
  const publicPaths = new Set([
    ...operations.filter((one) => one.public).map(({ path }) => path),
    ...Object.keys(pages),
  ]);

  const app = new Hono<Guarded>();
  app.use(guard(ports, { publicPaths }));
  for (const one of operations) {
    app.on(one.method.toUpperCase(), routeOf(one.path), async (c) => {
      const response = await perform(one, {
        request: c.req.raw,
        params: c.req.param() as Record<string, string>,
        caller: c.get("caller"),
        requestId: c.get("requestId"),
        after: ports.clock.after,
      });
      return c.req.method === "HEAD" ? await bodiless(response) : response;
    });
  }
  for (const [path, [mediaType, body]] of Object.entries(pages)) {
    app.get(
      path,
      () => new Response(body, { headers: { "content-type": mediaType } }),
    );
  }
  for (const [path, methods] of methodsByPath(operations, pages)) {
    app.all(routeOf(path), (c) => otherMethod(c, methods));
  }
  app.notFound((c) => {
    throw new LucidError(
      "request/no-route",
      "missing",
      `Cannot ${c.req.method} ${c.req.path.slice(0, 255)}: nothing is there`,
    );
  });
  app.onError((error, c) =>
    failureResponse(error, { requestId: c.get("requestId"), log: ports.log })
  );
  return {
    fetch: async (request) => await app.fetch(request),
    operations,
    close: () => closing.abort(),
  };
}

/** `/sessions/{id}` as the router writes it. */
function routeOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

function methodsByPath(
  operations: readonly Operation[],
  pages: Pages,
): Map<string, readonly string[]> {
  const methods = new Map<string, readonly string[]>(
    Object.keys(pages).map((path) => [path, ["GET"]]),
  );
  for (const { path, method } of operations) {
    methods.set(path, [...methods.get(path) ?? [], method.toUpperCase()]);
  }
  return methods;
}

function otherMethod(
  c: Context<Guarded>,
  methods: readonly string[],
): Response {
  const allow = [
    ...methods,
    ...(methods.includes("GET") ? ["HEAD"] : []),
    "OPTIONS",
  ].join(", ");
  if (c.req.method === "OPTIONS") {
    return new Response(null, { status: 204, headers: { allow } });
  }
  const refusal = new LucidError(
    "request/method",
    "invalid",
    `Cannot ${c.req.method} ${c.req.path.slice(0, 255)}: it takes ${allow}`,
  );
  const response = problemResponse(refusal, { requestId: c.get("requestId") });
  response.headers.set("allow", allow);
  return response;
}

/** The answer without its body, which is let go of: it may be a stream that somebody works for. */
async function bodiless(response: Response): Promise<Response> {
  await response.body?.cancel();
  const { status, headers } = response;
  return new Response(null, { status, headers });
}
