/**
 * A node: one machine that runs desktops and records them.
 *
 * @module
 */
import { defineProtocol } from "@lucid/runtime";
import { z } from "zod";
import { Count, Hash, TimeMs } from "../fields.ts";

/** What a node's document holds. */
export const NodeState = z.strictObject({
  node_id: z.string().max(64),
  /** Its node key, which signs the anchors of what it records; empty before it first began. */
  public_key: z.union([Hash, z.literal("")]),
  boot: Count,
  version: z.string().max(32),
  started_at: TimeMs,
  /** Room for recordings, as last reported. */
  free_bytes: Count,
  /** Below this no session begins. */
  floor_bytes: Count,
});
/** What a node's document holds. */
export type NodeState = z.infer<typeof NodeState>;

const Disk = { freeBytes: Count, floorBytes: Count };
const Nothing = z.strictObject({});
const Unknown = { "node/unknown": "missing" } as const;

/** What may be said to a node. */
export const Node = defineProtocol({
  name: "node",
  version: 1,
  collection: "nodes",
  placement: "sharded",
  state: NodeState,
  commands: {
    /** A life of its process begins. */
    begin: {
      input: z.strictObject({
        publicKey: Hash,
        boot: Count,
        version: z.string().max(32),
        ...Disk,
      }),
      reply: Nothing,
      refusals: {},
    },
    observe: { input: z.strictObject(Disk), reply: Nothing, refusals: Unknown },
    /** May a session begin here? */
    admit: {
      input: Nothing,
      reply: Nothing,
      refusals: { ...Unknown, "node/disk-low": "exhausted" },
    },
    get: { input: Nothing, reply: NodeState, refusals: Unknown },
  },
  events: {
    began: z.strictObject({
      publicKey: Hash,
      boot: Count,
      version: z.string(),
      at: TimeMs,
    }),
    observed: z.strictObject(Disk),
  },
});
