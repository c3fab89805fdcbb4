/**
 * The baseline of the gateway: bare Hono on `Deno.serve`, whose handlers do the same work (probe what health probes;
 * tell the token, ask the actor, answer its state) and nothing before, around or after it.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { Node } from "../actors/node/protocol.ts";
import { Session } from "../actors/session/protocol.ts";
import type { GatewayPorts } from "../gateway/ports.ts";

/** Serve on any free port. */
export function serveRaw(
  { host, store, chain, node, version, token }:
    & Pick<GatewayPorts, "host" | "store" | "chain" | "node" | "version">
    & { readonly token: string },
): Deno.HttpServer<Deno.NetAddr> {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(`Bearer ${token}`);
  const app = new Hono();
  app.get("/health", async (c) => {
    const [, , { waitingFor }] = await Promise.all([
      store.get({ collection: Node.collection, id: node }),
      host.ask(Node, `node/${node}`, "get", {}),
      chain.info(),
    ]);
    return c.json({
      status: waitingFor === undefined ? "ok" : "degraded",
      service: "lucid",
      version,
      timestamp: Date.now(),
      dependencies: { store: "up", node: "up", chain: "up" },
    });
  });
  app.get("/api/v1/sessions/:id", async (c) => {
    const given = digest(c.req.header("authorization") ?? "");
    if (!timingSafeEqual(given, expected)) return c.text("Forbidden", 403);
    const address = `session/${c.req.param("id")}`;
    return c.json(await host.ask(Session, address, "get", {}));
  });
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    app.fetch,
  );
}
