/**
 * A session: one recording from its creation to its proof.
 *
 * @module
 */
import { defineProtocol } from "@lucid/runtime";
import { z } from "zod";
import {
  Because,
  Count,
  EntryBytes,
  Hash,
  Leaf,
  Mode,
  Source,
  TimeMs,
  Token,
  Ulid,
} from "../fields.ts";

/** Where the final anchor stands in the log. */
const Anchor = z.strictObject({
  entry_id: Hash,
  entry_index: Count,
  height: Count,
  block_id: Hash,
  block_time: TimeMs,
});

/** The six states, in their order; `absent` is never stored. */
export const Status = z.enum([
  "absent",
  "created",
  "recording",
  "processing",
  "stored",
  "anchored",
  "completed",
]);

/** What a session document holds. */
export const SessionState = z.strictObject({
  session_id: Ulid,
  user_id: z.string().max(64),
  name: z.string().max(255),
  description: z.string().max(500),
  status: Status,
  node_id: z.string().max(64),
  source: Source,
  mode: Mode,
  chunk_ms: z.int(),
  max_duration_ms: z.int(),
  created_at: TimeMs,
  /** Start was asked for while the desktop was still coming up. */
  start_requested: z.boolean(),
  desktop: z.enum(["none", "starting", "ready", "failed", "closed"]),
  started_at: TimeMs.exactOptional(),
  /** Why recording ended, where nobody asked for that. */
  stopped_because: Because.exactOptional(),
  ended_at: TimeMs.exactOptional(),
  /** End of the last leaf. */
  recorded_until: TimeMs.exactOptional(),
  /** Leaves so far: chunks and gaps. */
  chunk_count: Count,
  gap_count: Count,
  size_bytes: Count,
  /** Roots of the complete subtrees over the leaves so far, largest first. */
  frontier: z.array(Hash).max(20),
  merkle_root: Hash.exactOptional(),
  manifest_hash: Hash.exactOptional(),
  /** The final anchor, from signed to decided. */
  entry_id: Hash.exactOptional(),
  anchor: Anchor.exactOptional(),
  /** How often anchoring was tried again. */
  retry_count: Count,
  failed: z.boolean(),
  failure: Because.exactOptional(),
  cancelled: z.boolean(),
  completed_at: TimeMs.exactOptional(),
  deleted_at: TimeMs.exactOptional(),
});
/** What a session document holds. */
export type SessionState = z.infer<typeof SessionState>;

const Nothing = z.strictObject({});
const Unknown = { "session/unknown": "missing" } as const;
const Gone = { ...Unknown, "session/deleted": "missing" } as const;

/** What may be said to a session. */
export const Session = defineProtocol({
  name: "session",
  version: 1,
  collection: "sessions",
  placement: "sharded",
  state: SessionState,
  commands: {
    // From the outside.
    create: {
      input: z.strictObject({
        user: z.string().min(1).max(64),
        node: Token,
        name: z.string().min(1).max(255),
        description: z.string().max(500),
        source: Source,
        mode: Mode,
        chunkMs: z.int().min(1_000).max(60_000),
        maxDurationMs: z.int().min(1_000).max(24 * 3_600_000),
      }),
      reply: z.strictObject({ status: Status }),
      refusals: {
        "session/exists": "conflict",
        "session/invalid-id": "invalid",
      },
    },
    get: { input: Nothing, reply: SessionState, refusals: Unknown },
    start: {
      input: Nothing,
      reply: z.strictObject({ status: Status }),
      refusals: {
        ...Gone,
        "session/already-started": "conflict",
        "session/no-desktop": "conflict",
      },
    },
    stop: {
      input: Nothing,
      reply: z.strictObject({ status: Status }),
      refusals: { ...Gone, "session/not-recording": "conflict" },
    },
    delete: {
      input: Nothing,
      reply: z.strictObject({ deletedAt: TimeMs }),
      refusals: { ...Gone, "session/in-progress": "conflict" },
    },
    /** Put on record that one chunk's key is handed out; the key itself is the node's to give. */
    disclose: {
      input: z.strictObject({ index: Count, user: z.string().min(1).max(64) }),
      reply: z.strictObject({ index: Count }),
      refusals: { ...Gone, "session/no-chunk": "missing" },
    },
    // From the node's desktop, recorder and chain.
    desktopReady: { input: Nothing, reply: Nothing, refusals: Unknown },
    desktopFailed: {
      input: z.strictObject({ because: Because }),
      reply: Nothing,
      refusals: Unknown,
    },
    addLeaf: {
      input: z.strictObject({ index: Count, leaf: Leaf }),
      reply: z.strictObject({ chunkCount: Count }),
      refusals: {
        ...Unknown,
        "session/not-recording": "conflict",
        "session/leaf-order": "conflict",
        "session/leaf-invalid": "invalid",
      },
    },
    recordingEnded: {
      input: z.strictObject({
        endedAt: TimeMs,
        failure: Because.exactOptional(),
      }),
      reply: Nothing,
      refusals: { ...Unknown, "session/not-recording": "conflict" },
    },
    sealed: {
      input: z.strictObject({
        manifestHash: Hash,
        entryId: Hash,
        entry: EntryBytes,
      }),
      reply: Nothing,
      refusals: { ...Unknown, "session/not-processing": "conflict" },
    },
    anchored: {
      input: z.strictObject({
        entryId: Hash,
        entryIndex: Count,
        height: Count,
        blockId: Hash,
        blockTime: TimeMs,
      }),
      reply: Nothing,
      refusals: { ...Unknown, "session/not-stored": "conflict" },
    },
    anchorRefused: {
      input: z.strictObject({ entryId: Hash, because: Because }),
      reply: Nothing,
      refusals: { ...Unknown, "session/not-stored": "conflict" },
    },
    checked: {
      input: z.strictObject({ failure: Because.exactOptional() }),
      reply: Nothing,
      refusals: { ...Unknown, "session/not-anchored": "conflict" },
    },
    // To itself.
    reachLimit: { input: Nothing, reply: Nothing, refusals: Unknown },
    reportGrowth: { input: Nothing, reply: Nothing, refusals: Unknown },
    sealAgain: { input: Nothing, reply: Nothing, refusals: Unknown },
  },
  events: {
    created: z.strictObject({
      user: z.string(),
      node: z.string(),
      name: z.string(),
      description: z.string(),
      source: Source,
      mode: Mode,
      chunkMs: z.int(),
      maxDurationMs: z.int(),
      at: TimeMs,
    }),
    startRequested: Nothing,
    desktopChanged: z.strictObject({
      desktop: z.enum(["ready", "failed"]),
      because: Because.exactOptional(),
    }),
    started: z.strictObject({ at: TimeMs }),
    leafAdded: z.strictObject({ index: Count, leaf: Leaf }),
    stopped: z.strictObject({ at: TimeMs, because: Because.exactOptional() }),
    recordingEnded: z.strictObject({
      endedAt: TimeMs,
      failure: Because.exactOptional(),
    }),
    sealed: z.strictObject({ manifestHash: Hash, entryId: Hash }),
    anchored: Anchor,
    anchorRefused: z.strictObject({ because: Because }),
    completed: z.strictObject({ at: TimeMs }),
    failed: z.strictObject({ because: Because }),
    disclosed: z.strictObject({
      index: Count,
      user: z.string(),
      at: TimeMs,
    }),
    deleted: z.strictObject({ at: TimeMs, cancelled: z.boolean() }),
  },
});
