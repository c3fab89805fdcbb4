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

  /** Ask all at once; who has not answered in time is down. */
  async function probeAll(): Promise<Record<keyof typeof probes, Probe>> {
    const found: Record<keyof typeof probes, Probe> = {
      store: "down",
      node: "down",
      chain: "down",
    };
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const callOff = clock.after(PROBE_WITHIN_MS, resolve);
    const ask = async (name: keyof typeof probes): Promise<void> => {
      try {
        found[name] = await probes[name]();
      } catch {
        // It stays down.
      }
    };
    const all = [ask("store"), ask("node"), ask("chain")];
    Promise.all(all).then(() => resolve());
    await enough;
    callOff();
    return found;
  }

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
      const dependencies = await probeAll();
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
