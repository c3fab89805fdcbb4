/**
 * The gateway over real sockets: health, and the read of a session by its owner, beside bare Hono doing the same.
 *
 * @module
 */
import {
  openHost,
  Secret,
  soleClaims,
  systemClock,
  systemRandom,
  ulidMaker,
} from "@lucid/runtime";
import { openSqliteStore } from "@lucid/runtime/stores/sqlite";
import { silentLog } from "@lucid/runtime/testing";
import { node } from "../actors/node/node.ts";
import { Node } from "../actors/node/protocol.ts";
import { Session } from "../actors/session/protocol.ts";
import { session } from "../actors/session/session.ts";
import { createApp } from "../gateway/app.ts";
import type { Evidence, GatewayPorts } from "../gateway/ports.ts";
import { serve } from "../gateway/serve.ts";
import { ownerToken } from "../gateway/tokens.ts";
import { freePort } from "../machine/free_port.ts";
import { testChain } from "../tests/gateway/chain_double.ts";
import { type Figure, figureOf } from "./figure.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import type { Answered, Load } from "./http_client.ts";
import { compare } from "./measure.ts";
import { serveRaw } from "./raw_gateway.ts";

const NODE = "n1";
const TOKEN = "bench-token-of-the-usual-forty-three-charac";
const SESSION = "01KDVCN40000000000000SE551";
const REQUESTS = 8_000;
const CONNECTIONS = 16;
const AGAINST = "bare Hono on Deno.serve, same handler work";

/** Requests a second, and how long the slow ones take. */
export async function httpFigures(): Promise<readonly Figure[]> {
  await using folder = await temporaryFolder();
  await using ends = new AsyncDisposableStack();
  const store = await openSqliteStore({
    path: `${folder.path}/documents.sqlite`,
  });
  ends.defer(() => store.close());
  const host = openHost({
    node: NODE,
    behaviors: [session, node],
    store,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    claims: soleClaims(1),
  });
  ends.defer(() => host.drain());
  await begin(host);
  const port = freePort();
  const ports: GatewayPorts = {
    host,
    store,
    node: NODE,
    evidence: NO_EVIDENCE,
    chain: testChain(),
    tokens: ownerToken(new Secret(TOKEN), {
      user: "owner",
      role: "super_admin",
    }),
    allowedHosts: [`127.0.0.1:${port}`],
    clock: systemClock,
    log: silentLog,
    ids: ulidMaker({ clock: systemClock, random: systemRandom }),
    version: "0.0.0",
  };
  const gateway = serve(createApp(ports), {
    hostname: "127.0.0.1",
    port,
    clock: systemClock,
  });
  ends.defer(() => gateway.stop());
  const raw = serveRaw({ ...ports, token: TOKEN });
  ends.defer(() => raw.shutdown());
  using client = openClient();
  const run = (path: string) =>
    compare({
      ours: () => client.send(path, port),
      baseline: () => client.send(path, raw.addr.port),
    });
  const health = await run("/health");
  const read = await run(`/api/v1/sessions/${SESSION}`);
  const figure = `session read by its owner, ${CONNECTIONS} connections`;
  return [
    figureOf({
      figure: `health, ${CONNECTIONS} connections`,
      unit: "requests/s",
      against: AGAINST,
      pair: health.perSecond,
      bar: { of: "ratio", is: "≥", limit: 0.6 },
    }),
    figureOf({
      figure,
      unit: "requests/s",
      against: AGAINST,
      pair: read.perSecond,
      bar: { of: "ours", is: "≥", limit: 1_000 },
    }),
    figureOf({
      figure: `${figure}: p95`,
      unit: "ms",
      against: AGAINST,
      pair: read.p95Ms,
      bar: { of: "ours", is: "≤", limit: 50 },
    }),
    figureOf({
      figure: `${figure}: p99`,
      unit: "ms",
      against: AGAINST,
      pair: read.p99Ms,
      bar: { of: "ours", is: "≤", limit: 100 },
    }),
  ];
}

/** The node and one session, as they are when nobody records. */
async function begin(host: GatewayPorts["host"]): Promise<void> {
  await host.ask(Node, `node/${NODE}`, "begin", {
    publicKey: "ab".repeat(32),
    boot: 1,
    version: "0.0.0",
    freeBytes: 1e12,
    floorBytes: 1e9,
  });
  await host.ask(Session, `session/${SESSION}`, "create", {
    user: "owner",
    node: NODE,
    name: "Untitled session",
    description: "",
    source: { kind: "vnc", socket_path: "/run/none/vnc.sock" },
    mode: "strict",
    chunkMs: 60_000,
    maxDurationMs: 3_600_000,
  });
}

function openClient() {
  const worker = new Worker(new URL("./http_client.ts", import.meta.url), {
    type: "module",
  });
  return {
    send(path: string, port: number): Promise<Answered> {
      const { promise, resolve, reject } = Promise.withResolvers<Answered>();
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage(
        {
          port,
          path,
          token: TOKEN,
          requests: REQUESTS,
          connections: CONNECTIONS,
        } satisfies Load,
      );
      return promise;
    },
    [Symbol.dispose]: () => worker.terminate(),
  };
}

const none = () =>
  Promise.reject(new Error("Cannot show it: nothing is recorded"));

const NO_EVIDENCE: Evidence = {
  sealed: none,
  plain: none,
  chunkKey: none,
  manifest: none,
  proof: none,
  recording: none,
};
