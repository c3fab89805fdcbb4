/**
 * Sessions and their chunks as callers see them: the stored fields, without those that only the actors need.
 *
 * @module
 */
import { z } from "zod";
import { Session, SessionState, Status } from "../actors/session/protocol.ts";

/** A session. Times are milliseconds since the Unix epoch. */
export const SessionView = SessionState
  .omit({ frontier: true, start_requested: true })
  .extend({ status: Status.exclude(["absent"]) });

/** A stored session, shown. */
export function showSession(
  { frontier: _, start_requested: __, ...shown }: SessionState,
) {
  return shown;
}

const create = Session.commands.create.input.shape;
const [desktop, vnc] = create.source.options;

/** Eight hours: a working day. */
const MAX_DURATION_MS = 8 * 3_600_000;

/** What a caller says to create a session; only the source is needed. */
export const NewSession = z.strictObject({
  name: create.name.default("Untitled session"),
  description: create.description.default(""),
  source: z.discriminatedUnion("kind", [
    desktop.extend({
      width: desktop.shape.width.default(1_280),
      height: desktop.shape.height.default(720),
    }),
    vnc,
  ]),
  mode: create.mode.default("strict").meta({
    description:
      "When recording fails: `strict` ends the session within 2 s, `lenient` goes on and names the gap",
  }),
  chunk_ms: create.chunkMs.default(60_000).meta({
    description: "Longest stretch of time in one chunk",
  }),
  max_duration_ms: create.maxDurationMs.default(MAX_DURATION_MS),
});

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** One leaf of a session: a chunk, or a gap that nobody recorded. */
export const ChunkView = z.strictObject({
  chunk_id: z.string(),
  session_id: z.string(),
  sequence_number: z.int().min(0),
  started_at: z.int(),
  ended_at: z.int(),
  leaf: z.string().meta({
    description:
      "The leaf's canonical bytes, in hex: what the Merkle root is over",
  }),
  status: z.enum(["stored", "gap"]),
  reason: z.string().exactOptional().meta({ description: "Of a gap" }),
  codec: z.int().exactOptional().meta({
    description: "0 stored, 1 zstd, 2 gzip",
  }),
  plain_bytes: z.int().exactOptional(),
  size_bytes: z.int().exactOptional().meta({ description: "Sealed" }),
  sha256: sha256.exactOptional().meta({ description: "Of the sealed chunk" }),
});

/** What is handed out to open one chunk. */
export const Disclosure = z.strictObject({
  session_id: z.string(),
  index: z.int().min(0),
  key: sha256.meta({ description: "32 bytes in hex: this chunk's key alone" }),
});
