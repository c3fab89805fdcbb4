/**
 * What a desktop decides: it is opened once, started again when it dies (three times a minute at the
 * most), and closed when its session no longer needs it.
 *
 * @module
 */
import type { Behavior, Context, Then } from "@lucid/runtime";
import { isUlid } from "../fields.ts";
import { Rdp, type RdpState } from "./protocol.ts";

/** A desktop that dies more often than this within the period will not get better by itself. */
const RESTARTS_MAX = 3;
const RESTART_PERIOD_MS = 60_000;

export const rdp: Behavior<typeof Rdp> = {
  protocol: Rdp,
  initial: (id): RdpState => ({
    session_id: id,
    node_id: "",
    status: "absent",
    width: 0,
    height: 0,
    restarts: [],
  }),

  decide: {
    open(state, { width, height }, context) {
      if (!isUlid(context.id)) {
        return {
          refused: "rdp/invalid-id",
          because: `Cannot open desktop ${context.id}: that is no ULID`,
        };
      }
      if (state.status !== "absent") {
        return {
          refused: "rdp/already-open",
          because: `Cannot open desktop ${context.id}: it is ${state.status}`,
        };
      }
      return {
        events: [{
          type: "opening",
          data: { node: context.node, width, height },
        }],
        reply: {},
        then: [desktop(context.id, { width, height })],
      };
    },

    close(state, _, { id }) {
      if (state.status === "absent") return unknown("close", id);
      if (state.status === "closing" || state.status === "closed") {
        return { events: [], reply: {} };
      }
      return {
        events: [{ type: "closing", data: {} }],
        reply: {},
        then: [{ perform: "close", key: id, input: {}, answer: "closed" }],
      };
    },

    opened(state, { failure }, { id }) {
      if (state.status === "absent") return unknown("open", id);
      if (state.status !== "starting") return { events: [], reply: {} };
      if (failure === undefined) {
        return {
          events: [{ type: "ready", data: {} }],
          reply: {},
          then: [tellSession(id, "desktopReady", {})],
        };
      }
      return { ...failing(id, failure), reply: {} };
    },

    closed(state, _, { id }) {
      if (state.status === "absent") return unknown("close", id);
      return { events: [{ type: "closed", data: {} }], reply: {} };
    },

    lost(state, { because, crashed }, context) {
      if (state.status === "absent") return unknown("lose", context.id);
      if (state.status !== "ready" && state.status !== "starting") {
        return { events: [], reply: {} };
      }
      const recent = state.restarts.filter((at) =>
        at > context.now - RESTART_PERIOD_MS
      );
      if (crashed && recent.length >= RESTARTS_MAX) {
        return { ...failing(context.id, because), reply: {} };
      }
      return {
        events: [{ type: "lost", data: { at: context.now, because, crashed } }],
        reply: {},
        then: [desktop(context.id, state)],
      };
    },

    get: (state, _, { id }) =>
      state.status === "absent"
        ? unknown("read", id)
        : { events: [], reply: state },
  },

  apply: {
    opening: (state, { node, width, height }): RdpState => ({
      ...state,
      status: "starting",
      node_id: node,
      width,
      height,
    }),
    ready: (state): RdpState => ({ ...state, status: "ready" }),
    failed: (state, { because }): RdpState => ({
      ...state,
      status: "failed",
      because,
    }),
    lost: (state, { at, because, crashed }): RdpState => ({
      ...state,
      status: "starting",
      because,
      restarts: crashed
        ? [...state.restarts, at].slice(-RESTARTS_MAX)
        : state.restarts,
    }),
    closing: (state): RdpState => ({ ...state, status: "closing" }),
    closed: (state): RdpState => ({ ...state, status: "closed" }),
  },
};

/** Have the node find or make the desktop. */
function desktop(
  id: string,
  { width, height }: { readonly width: number; readonly height: number },
): Then {
  return {
    perform: "desktop",
    key: id,
    input: { width, height },
    answer: "opened",
  };
}

function failing(id: string, because: string) {
  return {
    events: [{ type: "failed", data: { because } }] as const,
    then: [tellSession(id, "desktopFailed", { because })],
  };
}

function tellSession(id: string, command: string, input: unknown): Then {
  return { tell: `session/${id}`, command, input };
}

function unknown(attempt: string, id: Context["id"]) {
  return {
    refused: "rdp/unknown",
    because: `Cannot ${attempt} desktop ${id}: there is none`,
  } as const;
}
