/**
 * What a node decides: whether a session may begin on it.
 *
 * @module
 */
import type { Behavior } from "@lucid/runtime";
import { Node, type NodeState } from "./protocol.ts";

export const node: Behavior<typeof Node> = {
  protocol: Node,
  initial: (id): NodeState => ({
    node_id: id,
    public_key: "",
    boot: 0,
    version: "",
    started_at: 0,
    free_bytes: 0,
    floor_bytes: 0,
  }),

  decide: {
    begin(_, { freeBytes, floorBytes, ...began }, { now }) {
      return {
        events: [
          { type: "began", data: { ...began, at: now } },
          { type: "observed", data: { freeBytes, floorBytes } },
        ],
        reply: {},
      };
    },

    observe: (state, disk, { id }) =>
      state.public_key === ""
        ? unknown("observe", id)
        : { events: [{ type: "observed", data: disk }], reply: {} },

    admit(state, _, { id }) {
      if (state.public_key === "") return unknown("begin a session on", id);
      if (state.free_bytes >= state.floor_bytes) {
        return { events: [], reply: {} };
      }
      return {
        refused: "node/disk-low",
        because: `Cannot begin a session on node ${id}: ${
          mebibytes(state.free_bytes)
        } are free and ${
          mebibytes(state.floor_bytes)
        } must stay so; delete sessions or add disk`,
      };
    },

    get: (state, _, { id }) =>
      state.public_key === ""
        ? unknown("read", id)
        : { events: [], reply: state },
  },

  apply: {
    began: (state, { publicKey, boot, version, at }): NodeState => ({
      ...state,
      public_key: publicKey,
      boot,
      version,
      started_at: at,
    }),
    observed: (state, { freeBytes, floorBytes }): NodeState => ({
      ...state,
      free_bytes: freeBytes,
      floor_bytes: floorBytes,
    }),
  },
};

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)} MiB`;
}

function unknown(attempt: string, id: string) {
  return {
    refused: "node/unknown",
    because: `Cannot ${attempt} node ${id}: it never began`,
  } as const;
}
