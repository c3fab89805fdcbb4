/**
 * What a session decides: created → recording → processing → stored → anchored → completed.
 *
 * Leaves arrive one by one while it records and while the recorder flushes after a stop; only their
 * count and frontier stay here, the leaves themselves are rows. A failure is a flag, not a state: what
 * was recorded before it is sealed and anchored like any other recording.
 *
 * @module
 */
import type { Behavior, Context, Then } from "@lucid/runtime";
import { frontierRoot } from "../../chain/merkle.ts";
import { isUlid } from "../fields.ts";
import { chunkRow, readLeaf, sealedBytesOf } from "./leaf.ts";
import { Session, type SessionState } from "./protocol.ts";
import { apply, initial, UNSTARTED_MS } from "./state.ts";

/** How often a growing session is anchored in between: an hour's loss of a node then costs a minute. */
const GROWTH_MS = 60_000;
/** 100 GiB of ciphertext: the largest session. */
const SESSION_BYTES_MAX = 100 * 2 ** 30;
/** The frontier of a million leaves is 20 hashes. */
const LEAVES_MAX = 1_000_000;
/** An anchor that was refused is tried again so often, so long after. */
const SEAL_RETRIES_MAX = 3;
const SEAL_RETRY_MS = 30_000;

export const session: Behavior<typeof Session> = {
  protocol: Session,
  initial,

  decide: {
    create(state, input, { id, now }) {
      if (!isUlid(id)) {
        return {
          refused: "session/invalid-id",
          because: `Cannot create session ${id}: that is no ULID`,
        };
      }
      if (state.status !== "absent") {
        return {
          refused: "session/exists",
          because: `Cannot create session ${id}: it is ${state.status}`,
        };
      }
      const then: Then[] = [
        { remind: "reachLimit", atMs: now + UNSTARTED_MS, input: {} },
      ];
      if (input.source.kind === "desktop") {
        const { width, height } = input.source;
        then.push({
          tell: `rdp/${input.node}/${id}`,
          command: "open",
          input: { width, height },
        });
      }
      return {
        events: [{ type: "created", data: { ...input, at: now } }],
        reply: { status: "created" },
        then,
      };
    },

    get(state, _, { id }) {
      return state.status === "absent"
        ? unknown("read", id)
        : { events: [], reply: state };
    },

    start(state, _, context) {
      const gone = absentOrDeleted("start", state, context.id);
      if (gone) return gone;
      if (state.status !== "created" || state.start_requested) {
        return {
          refused: "session/already-started",
          because: `Cannot start session ${context.id}: it is ${
            state.start_requested ? "starting" : state.status
          }`,
        };
      }
      if (state.desktop === "failed") {
        return {
          refused: "session/no-desktop",
          because: `Cannot start session ${context.id}: ${
            state.failure ?? "its desktop failed"
          }`,
        };
      }
      if (state.desktop === "starting") {
        return {
          events: [{ type: "startRequested", data: {} }],
          reply: { status: "created" },
        };
      }
      return { ...starting(state, context), reply: { status: "recording" } };
    },

    stop(state, _, { id, now }) {
      const gone = absentOrDeleted("stop", state, id);
      if (gone) return gone;
      if (state.status !== "recording") {
        return {
          refused: "session/not-recording",
          because: `Cannot stop session ${id}: it is ${state.status}`,
        };
      }
      return { ...stopping(state, { now }), reply: { status: "processing" } };
    },

    delete(state, _, { id, now }) {
      const gone = absentOrDeleted("delete", state, id);
      if (gone) return gone;
      // What failed may hang in between for ever; it must not be kept for ever.
      const between = ["processing", "stored"].includes(state.status);
      if (state.status === "recording" || (between && !state.failed)) {
        return {
          refused: "session/in-progress",
          because: `Cannot delete session ${id}: it is ${state.status}`,
        };
      }
      return { ...deleting(state, now), reply: { deletedAt: now } };
    },

    disclose(state, { index, user }, { id, now, newId }) {
      const gone = absentOrDeleted("disclose a chunk of", state, id);
      if (gone) return gone;
      if (index >= state.chunk_count) {
        return {
          refused: "session/no-chunk",
          because:
            `Cannot disclose chunk ${index} of session ${id}: it has ${state.chunk_count}`,
        };
      }
      const value = {
        event_type: "chunk_disclosed",
        user_id: user,
        session_id: id,
        sequence_number: index,
        timestamp: now,
        severity: "info",
      };
      return {
        events: [{ type: "disclosed", data: { index, user, at: now } }],
        reply: { index },
        rows: [{ table: "audit_logs", key: `${id}/${newId()}`, value }],
      };
    },

    desktopReady(state, _, context) {
      if (state.status === "absent") return unknown("ready", context.id);
      const ready = {
        type: "desktopChanged",
        data: { desktop: "ready" },
      } as const;
      if (!state.start_requested || state.status !== "created") {
        return { events: [ready], reply: {} };
      }
      const { events, then } = starting(state, context);
      return { events: [ready, ...events], reply: {}, then };
    },

    desktopFailed(state, { because }, { id, now }) {
      if (state.status === "absent") return unknown("fail", id);
      // A lenient session goes on and names the gap, for as long as it lasts.
      const { events, then } =
        state.status === "recording" && state.mode === "strict"
          ? stopping(state, { now, because })
          : { events: [], then: [] };
      const failed = { desktop: "failed", because } as const;
      return {
        events: [{ type: "desktopChanged", data: failed }, ...events],
        reply: {},
        then,
      };
    },

    addLeaf(state, input, { id, now }) {
      if (state.status === "absent") return unknown("add a leaf to", id);
      const attempt = `Cannot add leaf ${input.index} to session ${id}`;
      const over = state.merkle_root !== undefined;
      if (over || !["recording", "processing"].includes(state.status)) {
        return {
          refused: "session/not-recording",
          because: `${attempt}: it is ${state.status}`,
        };
      }
      if (input.index !== state.chunk_count) {
        return {
          refused: "session/leaf-order",
          because: `${attempt}: next is ${state.chunk_count}`,
        };
      }
      const leaf = readLeaf(input.leaf);
      const earliest = state.recorded_until ?? state.started_at ?? 0;
      if (
        leaf === undefined || leaf.index !== input.index ||
        leaf.startMs < earliest
      ) {
        return {
          refused: "session/leaf-invalid",
          because: `${attempt}: ${
            leaf === undefined
              ? "its bytes are not a leaf"
              : `it says index ${leaf.index} from ${leaf.startMs}, and the next begins at ${earliest} or later`
          }`,
        };
      }
      const full = state.status === "recording" &&
        (state.chunk_count + 1 >= LEAVES_MAX ||
          state.size_bytes + sealedBytesOf(leaf) >= SESSION_BYTES_MAX);
      const because = "It has reached its largest size";
      const { events, then } = full
        ? stopping(state, { now, because })
        : { events: [], then: [] };
      return {
        events: [{ type: "leafAdded", data: input }, ...events],
        reply: { chunkCount: state.chunk_count + 1 },
        rows: [chunkRow(id, leaf, input.leaf)],
        then,
      };
    },

    recordingEnded(state, { failure, ...input }, { id }) {
      if (state.status === "absent") return unknown("end", id);
      if (
        (state.status !== "recording" && state.status !== "processing") ||
        state.merkle_root !== undefined
      ) {
        return {
          refused: "session/not-recording",
          because: `Cannot end session ${id}: it is ${state.status}`,
        };
      }
      // Every leaf lies inside the session's times, whatever the clock says by now.
      const endedAt = Math.max(
        input.endedAt,
        state.recorded_until ?? state.started_at ?? 0,
      );
      const data = failure === undefined ? { endedAt } : { endedAt, failure };
      return {
        events: [{ type: "recordingEnded", data }],
        reply: {},
        then: [
          sealing(state, { endedAt }),
          ...(state.source.kind === "desktop"
            ? [tellDesktop(state, "close")]
            : []),
        ],
      };
    },

    sealed(state, { manifestHash, entryId, entry }, { id }) {
      if (state.status === "absent") return unknown("seal", id);
      if (state.status !== "processing" || state.merkle_root === undefined) {
        return {
          refused: "session/not-processing",
          because: `Cannot seal session ${id}: it is ${state.status}`,
        };
      }
      return {
        events: [{ type: "sealed", data: { manifestHash, entryId } }],
        reply: {},
        then: [tellRound(state, "submit", {
          entryId,
          entry,
          notify: `session/${id}`,
        })],
      };
    },

    anchored(state, input, { id }) {
      if (state.status === "absent") return unknown("anchor", id);
      if (state.status !== "stored" || state.entry_id !== input.entryId) {
        return {
          refused: "session/not-stored",
          because: `Cannot anchor session ${id}: it is ${state.status}`,
        };
      }
      const anchor = {
        entry_id: input.entryId,
        entry_index: input.entryIndex,
        height: input.height,
        block_id: input.blockId,
        block_time: input.blockTime,
      };
      return {
        events: [{ type: "anchored", data: anchor }],
        reply: {},
        then: [tellRecorder(state, "check", { entryIndex: input.entryIndex })],
      };
    },

    anchorRefused(state, { entryId, because }, { id, now }) {
      if (state.status === "absent") return unknown("anchor", id);
      if (state.status !== "stored" || state.entry_id !== entryId) {
        return {
          refused: "session/not-stored",
          because:
            `Cannot take back an anchor of session ${id}: it is ${state.status}`,
        };
      }
      const again = state.retry_count < SEAL_RETRIES_MAX;
      return {
        events: [
          { type: "anchorRefused", data: { because } },
          ...(again ? [] : [{ type: "failed", data: { because } }] as const),
        ],
        reply: {},
        ...(again
          ? {
            then: [{
              remind: "sealAgain",
              atMs: now + SEAL_RETRY_MS,
              input: {},
            }],
          }
          : {}),
      };
    },

    checked(state, { failure }, { id, now }) {
      if (state.status === "absent") return unknown("check", id);
      if (state.status !== "anchored") {
        return {
          refused: "session/not-anchored",
          because: `Cannot complete session ${id}: it is ${state.status}`,
        };
      }
      return {
        events: [
          failure === undefined
            ? { type: "completed", data: { at: now } }
            : { type: "failed", data: { because: failure } },
        ],
        reply: {},
      };
    },

    reachLimit(state, _, { id, now }) {
      if (state.status === "absent") return unknown("limit", id);
      if (state.status === "recording") {
        const because = "It has reached its longest duration";
        return { ...stopping(state, { now, because }), reply: {} };
      }
      if (state.status === "created" && state.deleted_at === undefined) {
        return { ...deleting(state, now), reply: {} };
      }
      return { events: [], reply: {} };
    },

    reportGrowth(state, _, { id, now }) {
      if (state.status === "absent") return unknown("report growth of", id);
      if (state.status !== "recording") return { events: [], reply: {} };
      return {
        events: [],
        reply: {},
        then: [
          { remind: "reportGrowth", atMs: now + GROWTH_MS, input: {} },
          ...(state.chunk_count === 0 ? [] : [tellRound(state, "grow", {
            sessionId: id,
            leafCount: state.chunk_count,
          })]),
        ],
      };
    },

    sealAgain(state, _, { id }) {
      if (state.status === "absent") return unknown("seal", id);
      if (state.status !== "processing") return { events: [], reply: {} };
      return {
        events: [],
        reply: {},
        then: [sealing(state, { endedAt: state.ended_at ?? 0 })],
      };
    },
  },

  apply,
};

/** Recording begins: the recorder is told, and two reminders are set. */
function starting(state: SessionState, { now }: Context) {
  return {
    events: [{ type: "started", data: { at: now } }] as const,
    then: [
      tellRecorder(state, "record", {
        source: state.source,
        mode: state.mode,
        chunkMs: state.chunk_ms,
        startedAt: now,
      }),
      { remind: "reachLimit", atMs: now + state.max_duration_ms, input: {} },
      { remind: "reportGrowth", atMs: now + GROWTH_MS, input: {} },
    ],
  };
}

/** Recording ends: the recorder is told until when it was wanted. */
function stopping(
  state: SessionState,
  { now, because }: { readonly now: number; readonly because?: string },
) {
  const data = because === undefined ? { at: now } : { at: now, because };
  return {
    events: [{ type: "stopped", data }] as const,
    then: [tellRecorder(state, "finish", { stoppedAt: now })],
  };
}

/** The session becomes a tombstone; its key is destroyed, so its proofs still hold and nobody can read it. */
function deleting(state: SessionState, now: number) {
  const cancelled = state.status === "created";
  return {
    events: [{ type: "deleted", data: { at: now, cancelled } }] as const,
    then: [
      ...(state.source.kind === "desktop" && cancelled
        ? [tellDesktop(state, "close")]
        : []),
      ...(cancelled ? [] : [tellRecorder(state, "erase", {})]),
    ],
  };
}

/** Have the recorder write the manifest and sign the final anchor over the root. */
function sealing(
  state: SessionState,
  { endedAt }: { readonly endedAt: number },
): Then {
  return tellRecorder(state, "seal", {
    owner: state.user_id,
    name: state.name,
    root: frontierRoot(state.frontier).toHex(),
    leafCount: state.chunk_count,
    gapCount: state.gap_count,
    ctBytes: state.size_bytes,
    startedAt: state.started_at ?? endedAt,
    endedAt,
  });
}

function tellRecorder(
  state: SessionState,
  command: string,
  input: unknown,
): Then {
  return {
    tell: `recorder/${state.node_id}/${state.session_id}`,
    command,
    input,
  };
}

function tellDesktop(state: SessionState, command: string): Then {
  return {
    tell: `rdp/${state.node_id}/${state.session_id}`,
    command,
    input: {},
  };
}

function tellRound(state: SessionState, command: string, input: unknown): Then {
  return { tell: `round/${state.node_id}/main`, command, input };
}

function unknown(attempt: string, id: string) {
  return {
    refused: "session/unknown",
    because: `Cannot ${attempt} session ${id}: there is none`,
  } as const;
}

function absentOrDeleted(attempt: string, state: SessionState, id: string) {
  if (state.status === "absent") return unknown(attempt, id);
  if (state.deleted_at === undefined) return undefined;
  return {
    refused: "session/deleted",
    because: `Cannot ${attempt} session ${id}: it was deleted`,
  } as const;
}
