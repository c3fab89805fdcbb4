/**
 * The recorder of one session: what its node does to capture, seal and check it.
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
  Mode,
  Source,
  TimeMs,
  Ulid,
} from "../fields.ts";

/** What to capture, and how. */
export const Capture = z.strictObject({
  source: Source,
  mode: Mode,
  chunkMs: z.int(),
  startedAt: TimeMs,
});
/** What to capture, and how. */
export type Capture = z.infer<typeof Capture>;

/** What the manifest and the final anchor say. */
export const Summary = z.strictObject({
  owner: z.string().min(1).max(64),
  name: z.string().max(255),
  root: Hash,
  leafCount: Count,
  gapCount: Count,
  ctBytes: Count,
  startedAt: TimeMs,
  endedAt: TimeMs,
});
/** What the manifest and the final anchor say. */
export type Summary = z.infer<typeof Summary>;

/** What a recorder's document holds. */
export const RecorderState = z.strictObject({
  session_id: Ulid,
  node_id: z.string().max(64),
  /** `absent` is never stored. */
  status: z.enum([
    "absent",
    "recording",
    "finishing",
    "ended",
    "sealed",
    "checked",
    "erased",
  ]),
  capture: Capture.exactOptional(),
  ended_at: TimeMs.exactOptional(),
  because: Because.exactOptional(),
});
/** What a recorder's document holds. */
export type RecorderState = z.infer<typeof RecorderState>;

const Nothing = z.strictObject({});
const Unknown = { "recorder/unknown": "missing" } as const;

/** How a capture ended. */
const Ended = z.strictObject({
  endedAt: TimeMs,
  failure: Because.exactOptional(),
});

/** What may be said to a recorder. */
export const Recorder = defineProtocol({
  name: "recorder",
  version: 1,
  collection: "recorders",
  placement: "pinned",
  state: RecorderState,
  commands: {
    // From its session.
    record: {
      input: Capture,
      reply: Nothing,
      refusals: {
        "recorder/already-recording": "conflict",
        "recorder/invalid-id": "invalid",
      },
    },
    finish: {
      input: z.strictObject({ stoppedAt: TimeMs }),
      reply: Nothing,
      refusals: Unknown,
    },
    seal: { input: Summary, reply: Nothing, refusals: Unknown },
    check: {
      input: z.strictObject({ entryIndex: Count }),
      reply: Nothing,
      refusals: Unknown,
    },
    erase: { input: Nothing, reply: Nothing, refusals: Unknown },
    // Answers and reports of its node.
    capturing: { input: Nothing, reply: Nothing, refusals: Unknown },
    /** The process that captured is gone: capture again. */
    lost: {
      input: z.strictObject({ because: Because }),
      reply: Nothing,
      refusals: Unknown,
    },
    ended: { input: Ended, reply: Nothing, refusals: Unknown },
    sealed: {
      input: z.strictObject({
        manifestHash: Hash,
        entryId: Hash,
        entry: EntryBytes,
      }),
      reply: Nothing,
      refusals: Unknown,
    },
    checked: {
      input: z.strictObject({ failure: Because.exactOptional() }),
      reply: Nothing,
      refusals: Unknown,
    },
    erased: { input: Nothing, reply: Nothing, refusals: Unknown },
    get: { input: Nothing, reply: RecorderState, refusals: Unknown },
  },
  events: {
    recording: z.strictObject({ node: z.string(), capture: Capture }),
    lost: z.strictObject({ because: Because }),
    finishing: Nothing,
    ended: z.strictObject({
      endedAt: TimeMs,
      failure: Because.exactOptional(),
    }),
    sealed: Nothing,
    checked: z.strictObject({ failure: Because.exactOptional() }),
    erased: Nothing,
  },
});
