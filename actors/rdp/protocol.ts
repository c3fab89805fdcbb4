/**
 * The desktop of one session: for now its X server with a VNC door, later the RDP server before it.
 *
 * @module
 */
import { defineProtocol } from "@lucid/runtime";
import { z } from "zod";
import { Because, Count, TimeMs, Ulid } from "../fields.ts";

/** What a desktop's document holds. */
export const RdpState = z.strictObject({
  session_id: Ulid,
  node_id: z.string().max(64),
  /** `absent` is never stored. */
  status: z.enum([
    "absent",
    "starting",
    "ready",
    "closing",
    "closed",
    "failed",
  ]),
  width: z.int(),
  height: z.int(),
  /** When it crashed and was started again, latest last: too many within a minute and it is given up. */
  restarts: z.array(TimeMs).max(3),
  because: Because.exactOptional(),
});
/** What a desktop's document holds. */
export type RdpState = z.infer<typeof RdpState>;

const Nothing = z.strictObject({});
const Unknown = { "rdp/unknown": "missing" } as const;

/** What may be said to a desktop. */
export const Rdp = defineProtocol({
  name: "rdp",
  version: 1,
  collection: "rdp_servers",
  placement: "pinned",
  state: RdpState,
  commands: {
    // From its session.
    open: {
      input: z.strictObject({ width: Count, height: Count }),
      reply: Nothing,
      refusals: { "rdp/already-open": "conflict", "rdp/invalid-id": "invalid" },
    },
    close: { input: Nothing, reply: Nothing, refusals: Unknown },
    // Answers of its node.
    opened: {
      input: z.strictObject({ failure: Because.exactOptional() }),
      reply: Nothing,
      refusals: Unknown,
    },
    closed: { input: Nothing, reply: Nothing, refusals: Unknown },
    /** The X server is no longer there, and nobody asked it to go. */
    lost: {
      input: z.strictObject({
        because: Because,
        /** It ended by itself; else the node that held it did, which is no fault of the desktop. */
        crashed: z.boolean(),
      }),
      reply: Nothing,
      refusals: Unknown,
    },
    get: { input: Nothing, reply: RdpState, refusals: Unknown },
  },
  events: {
    opening: z.strictObject({ node: z.string(), width: Count, height: Count }),
    ready: Nothing,
    failed: z.strictObject({ because: Because }),
    lost: z.strictObject({
      at: TimeMs,
      because: Because,
      crashed: z.boolean(),
    }),
    closing: Nothing,
    closed: Nothing,
  },
});
