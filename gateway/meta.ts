/**
 * `/health`: whether the service and what it depends on are there. Open to everybody, so it says no more than that.
 *
 * @module
 */
import { z } from "zod";
import { Node } from "../actors/node/protocol.ts";
import { json, jsonContent } from "./answer.ts";
import { type Operation, operation } from "./operation.ts";
import type { GatewayPorts } from "./ports.ts";

/** How long a dependency may take to answer: a probe that waits longer counts as failed anyway. */
const PROBE_WITHIN_MS = 1_000;

const Probe = z.enum(["up", "waiting", "down"]);
type Probe = z.infer<typeof Probe>;
const Health = z.strictObject({
  status: z.enum(["ok", "degraded"]),
  service: z.literal("lucid"),
  version: z.string(),
  timestamp: z.int(),
  dependencies: z.strictObject({ store: Probe, node: Probe, chain: Probe }),
});

/** The operations about the service itself. */
export function metaOperations(ports: GatewayPorts): readonly Operation[] {
  const { host, store, chain, node, clock, version } = ports;

  /** Whether something answers, in time. */
  async function probe(ask: () => Promise<Probe>): Promise<Probe> {
    const { promise: late, resolve } = Promise.withResolvers<Probe>();
    const callOff = clock.after(PROBE_WITHIN_MS, () => resolve("down"));
    try {
      return await Promise.race([ask(), late]);
    } catch {
      return "down";
    } finally {
      callOff();
    }
  }

  const probes = {
    store: async () => {
      await store.get({ collection: Node.collection, id: node });
      return "up";
    },
    node: async () => {
      await host.ask(Node, `node/${node}`, "get", {}, {
        withinMs: PROBE_WITHIN_MS,
      });
      return "up";
    },
    chain: async () => (await chain.info()).waitingFor ? "waiting" : "up",
  } satisfies Record<string, () => Promise<Probe>>;

  return [operation({
    method: "get",
    path: "/health",
    id: "health",
    tag: "Meta",
    summary: "Whether Lucid is well",
    description:
      "`degraded` where something it depends on is down, or the chain waits for its clock to be put right; what can be done without it still is.",
    public: true,
    status: 200,
    content: jsonContent(Health, "How it is"),
    async handle() {
      const dependencies = Object.fromEntries(
        await Promise.all(
          Object.entries(probes).map(async ([name, ask]) =>
            [name, await probe(ask)] as const
          ),
        ),
      );
      const well = Object.values(dependencies).every((one) => one === "up");
      return json({
        status: well ? "ok" : "degraded",
        service: "lucid",
        version,
        timestamp: clock.now(),
        dependencies,
      });
    },
  })];
}
