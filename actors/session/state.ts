/**
 * What a session keeps, and what each of its events does to that.
 *
 * @module
 */
import type { Apply } from "@lucid/runtime";
import { decodeLeaf } from "../../chain/leaf.ts";
import { append, frontierRoot } from "../../chain/merkle.ts";
import { sealedBytesOf } from "./leaf.ts";
import type { Session, SessionState } from "./protocol.ts";

/** A session that nobody started is cancelled after this: its desktop costs memory. */
export const UNSTARTED_MS = 8 * 3_600_000;

/** A session that nobody has created yet. */
export const initial = (id: string): SessionState => ({
  session_id: id,
  user_id: "",
  name: "",
  description: "",
  status: "absent",
  node_id: "",
  source: { kind: "desktop", width: 1280, height: 720 },
  mode: "strict",
  chunk_ms: 60_000,
  max_duration_ms: UNSTARTED_MS,
  created_at: 0,
  start_requested: false,
  desktop: "none",
  chunk_count: 0,
  gap_count: 0,
  size_bytes: 0,
  frontier: [],
  retry_count: 0,
  failed: false,
  cancelled: false,
});

/** One function for each event. */
export const apply: Apply<typeof Session> = {
  created: (state, created): SessionState => ({
    ...state,
    status: "created",
    user_id: created.user,
    node_id: created.node,
    name: created.name,
    description: created.description,
    source: created.source,
    mode: created.mode,
    chunk_ms: created.chunkMs,
    max_duration_ms: created.maxDurationMs,
    created_at: created.at,
    desktop: created.source.kind === "desktop" ? "starting" : "none",
  }),
  startRequested: (state): SessionState => ({
    ...state,
    start_requested: true,
  }),
  desktopChanged: (state, { desktop, because }): SessionState => ({
    ...state,
    desktop,
    ...(because === undefined ? {} : { failed: true, failure: because }),
  }),
  started: (state, { at }): SessionState => ({
    ...state,
    status: "recording",
    start_requested: false,
    started_at: at,
  }),
  leafAdded(state, added): SessionState {
    const leaf = decodeLeaf(Uint8Array.fromHex(added.leaf));
    return {
      ...state,
      chunk_count: state.chunk_count + 1,
      gap_count: state.gap_count + (leaf.kind === "gap" ? 1 : 0),
      size_bytes: state.size_bytes + sealedBytesOf(leaf),
      recorded_until: leaf.endMs,
      frontier: [
        ...append(
          state.frontier,
          state.chunk_count,
          Uint8Array.fromHex(added.leaf),
        ),
      ],
    };
  },
  stopped: (state, { because }): SessionState => ({
    ...state,
    status: "processing",
    ...(because === undefined ? {} : { stopped_because: because }),
  }),
  recordingEnded: (state, { endedAt, failure }): SessionState => ({
    ...state,
    status: "processing",
    ended_at: endedAt,
    merkle_root: frontierRoot(state.frontier).toHex(),
    ...(state.desktop === "none" ? {} : { desktop: "closed" }),
    ...(failure === undefined ? {} : { failed: true, failure }),
  }),
  sealed: (state, { manifestHash, entryId }): SessionState => ({
    ...state,
    status: "stored",
    manifest_hash: manifestHash,
    entry_id: entryId,
  }),
  anchored: (state, anchor): SessionState => ({
    ...state,
    status: "anchored",
    anchor,
  }),
  anchorRefused: (state): SessionState => ({
    ...state,
    status: "processing",
    retry_count: state.retry_count + 1,
  }),
  completed: (state, { at }): SessionState => ({
    ...state,
    status: "completed",
    completed_at: at,
  }),
  failed: (state, { because }): SessionState => ({
    ...state,
    failed: true,
    failure: because,
  }),
  disclosed: (state): SessionState => state,
  deleted: (state, { at, cancelled }): SessionState => ({
    ...state,
    deleted_at: at,
    cancelled: state.cancelled || cancelled,
    start_requested: false,
  }),
};
