/**
 * What a recorder decides: it turns its session's wishes into effects on its node, and what came of
 * them into messages to the session. It asks for a capture again when the process that held it died.
 *
 * @module
 */
import type { Behavior, Then } from "@lucid/runtime";
import { isUlid } from "../fields.ts";
import { Recorder, type RecorderState } from "./protocol.ts";

export const recorder: Behavior<typeof Recorder> = {
  protocol: Recorder,
  initial: (id): RecorderState => ({
    session_id: id,
    node_id: "",
    status: "absent",
  }),

  decide: {
    record(state, capture, { id, node }) {
      if (!isUlid(id)) {
        return {
          refused: "recorder/invalid-id",
          because: `Cannot record session ${id}: that is no ULID`,
        };
      }
      if (state.status !== "absent") {
        return {
          refused: "recorder/already-recording",
          because:
            `Cannot record session ${id}: its recorder is ${state.status}`,
        };
      }
      return {
        events: [{ type: "recording", data: { node, capture } }],
        reply: {},
        then: [{
          perform: "capture",
          key: id,
          input: capture,
          answer: "capturing",
        }],
      };
    },

    finish(state, { stoppedAt }, { id }) {
      if (state.status === "absent") return unknown("finish", id);
      if (state.status !== "recording") return { events: [], reply: {} };
      return {
        events: [{ type: "finishing", data: {} }],
        reply: {},
        then: [{
          perform: "finish",
          key: id,
          input: { ...state.capture, stoppedAt },
          answer: "ended",
        }],
      };
    },

    seal(state, summary, { id }) {
      if (state.status === "absent") return unknown("seal", id);
      return {
        events: [],
        reply: {},
        then: [{
          perform: "seal",
          key: summary.root,
          input: summary,
          answer: "sealed",
        }],
      };
    },

    check(state, input, { id }) {
      if (state.status === "absent") return unknown("check", id);
      return {
        events: [],
        reply: {},
        then: [{ perform: "check", key: id, input, answer: "checked" }],
      };
    },

    erase(state, _, { id }) {
      if (state.status === "absent") return unknown("erase", id);
      return {
        events: [],
        reply: {},
        then: [{ perform: "erase", key: id, input: {}, answer: "erased" }],
      };
    },

    capturing: (state, _, { id }) =>
      state.status === "absent"
        ? unknown("capture", id)
        : { events: [], reply: {} },

    lost(state, { because }, { id }) {
      if (state.status === "absent") return unknown("lose", id);
      if (state.status !== "recording") return { events: [], reply: {} };
      return {
        events: [{ type: "lost", data: { because } }],
        reply: {},
        then: [{
          perform: "capture",
          key: id,
          input: state.capture,
          answer: "capturing",
        }],
      };
    },

    // Both the answer to "finish" and the report of a capture that failed by itself: the first one counts.
    ended(state, input, { id }) {
      if (state.status === "absent") return unknown("end", id);
      if (state.status !== "recording" && state.status !== "finishing") {
        return { events: [], reply: {} };
      }
      const { endedAt, failure } = input;
      const data = failure === undefined ? { endedAt } : { endedAt, failure };
      return {
        events: [{ type: "ended", data }],
        reply: {},
        then: [tellSession(id, "recordingEnded", input)],
      };
    },

    sealed(state, input, { id }) {
      if (state.status === "absent") return unknown("seal", id);
      return {
        events: [{ type: "sealed", data: {} }],
        reply: {},
        then: [tellSession(id, "sealed", input)],
      };
    },

    checked(state, input, { id }) {
      if (state.status === "absent") return unknown("check", id);
      return {
        events: [{ type: "checked", data: input }],
        reply: {},
        then: [tellSession(id, "checked", input)],
      };
    },

    erased: (state, _, { id }) =>
      state.status === "absent"
        ? unknown("erase", id)
        : { events: [{ type: "erased", data: {} }], reply: {} },

    get: (state, _, { id }) =>
      state.status === "absent"
        ? unknown("read", id)
        : { events: [], reply: state },
  },

  apply: {
    recording: (state, { node, capture }): RecorderState => ({
      ...state,
      node_id: node,
      status: "recording",
      capture,
    }),
    lost: (state, { because }): RecorderState => ({ ...state, because }),
    finishing: (state): RecorderState => ({ ...state, status: "finishing" }),
    ended: (state, { endedAt, failure }): RecorderState => ({
      ...state,
      status: "ended",
      ended_at: endedAt,
      ...(failure === undefined ? {} : { because: failure }),
    }),
    sealed: (state): RecorderState => ({ ...state, status: "sealed" }),
    checked: (state, { failure }): RecorderState => ({
      ...state,
      status: "checked",
      ...(failure === undefined ? {} : { because: failure }),
    }),
    erased: (state): RecorderState => ({ ...state, status: "erased" }),
  },
};

function tellSession(id: string, command: string, input: unknown): Then {
  return { tell: `session/${id}`, command, input };
}

function unknown(attempt: string, id: string) {
  return {
    refused: "recorder/unknown",
    because: `Cannot ${attempt} the recorder of session ${id}: there is none`,
  } as const;
}
