/**
 * What a round decides: it keeps what waits for a block, hands it to the loop that makes blocks, and
 * tells each sender when its entry is decided.
 *
 * @module
 */
import type { Behavior, Then } from "@lucid/runtime";
import { type Owed, Round, type RoundState } from "./protocol.ts";

/** As many entries as one block may hold; more senders than that are told to come again. */
const PENDING_MAX = 1_000;
/** Tells in one decision: the runtime's limit. */
const TELLS_MAX = 64;
/** Growth of many sessions is gathered for so long and goes into one entry. */
const GATHER_MS = 5_000;

export const round: Behavior<typeof Round> = {
  protocol: Round,
  initial: (): RoundState => ({
    pending: [],
    owed: [],
    growing: [],
    height: 0,
    block_id: "",
  }),

  decide: {
    submit(state, { entryId, entry, notify }) {
      if (state.pending.some((waiting) => waiting.entry_id === entryId)) {
        return { events: [], reply: {} };
      }
      if (state.pending.length + state.owed.length >= PENDING_MAX) {
        const because =
          `Cannot anchor: ${state.pending.length} entries wait for a block already`;
        return {
          events: [],
          reply: {},
          then: [{
            tell: notify,
            command: "anchorRefused",
            input: { entryId, because },
          }],
        };
      }
      return {
        events: [{
          type: "submitted",
          data: { entry_id: entryId, entry, notify },
        }],
        reply: {},
        then: [include(entryId, entry)],
      };
    },

    grow(state, growth, { now }) {
      if (
        state.growing.length >= PENDING_MAX &&
        !state.growing.some((known) => known.sessionId === growth.sessionId)
      ) {
        return { events: [], reply: {} };
      }
      return {
        events: [{ type: "grew", data: growth }],
        reply: {},
        ...(state.growing.length === 0
          ? {
            then: [{
              remind: "anchorGrowth",
              atMs: now + GATHER_MS,
              input: {},
            }],
          }
          : {}),
      };
    },

    anchorGrowth(state, _, { newId }) {
      if (state.growing.length === 0) return { events: [], reply: {} };
      return {
        events: [{ type: "growthTaken", data: {} }],
        reply: {},
        then: [{
          perform: "signGrowth",
          key: newId(),
          input: { sessions: state.growing },
          answer: "interimSigned",
        }],
      };
    },

    interimSigned(state, { entries }) {
      const room = PENDING_MAX - state.pending.length - state.owed.length;
      const taken = entries.slice(0, Math.max(0, room));
      return {
        events: taken.map(({ entryId, entry }) => ({
          type: "submitted" as const,
          data: { entry_id: entryId, entry },
        })),
        reply: {},
        then: taken.map(({ entryId, entry }) => include(entryId, entry)),
      };
    },

    included(state, { entryId, failure }) {
      const waiting = state.pending.find((one) => one.entry_id === entryId);
      if (failure === undefined || waiting === undefined) {
        return { events: [], reply: {} };
      }
      return {
        events: [{ type: "refused", data: { entryId, because: failure } }],
        reply: {},
        ...(waiting.notify === undefined ? {} : {
          then: [{
            tell: waiting.notify,
            command: "anchorRefused",
            input: { entryId, because: failure },
          }],
        }),
      };
    },

    decided(state, { height, blockId, blockTime, entries }, { now }) {
      const senders = new Map(
        state.pending.map((one) => [one.entry_id, one.notify]),
      );
      const owed = entries.flatMap(({ entryId, entryIndex }): Owed[] => {
        const notify = senders.get(entryId);
        return notify === undefined ? [] : [{
          notify,
          entry_id: entryId,
          entry_index: entryIndex,
          height,
          block_id: blockId,
          block_time: blockTime,
        }];
      });
      const entryIds = entries.map(({ entryId }) => entryId)
        .filter((id) => senders.has(id));
      if (entryIds.length === 0) return { events: [], reply: {} };
      return {
        events: [{
          type: "decided",
          data: { height, blockId, owed, entryIds },
        }],
        reply: {},
        ...(owed.length === 0
          ? {}
          : { then: [{ remind: "settle", atMs: now, input: {} }] }),
      };
    },

    settle(state, _, { now }) {
      const told = state.owed.slice(0, TELLS_MAX);
      if (told.length === 0) return { events: [], reply: {} };
      return {
        events: [{ type: "settled", data: { count: told.length } }],
        reply: {},
        then: [
          ...told.map(tellAnchored),
          ...(state.owed.length > told.length
            ? [{ remind: "settle", atMs: now, input: {} }]
            : []),
        ],
      };
    },

    get: (state) => ({ events: [], reply: state }),
  },

  apply: {
    submitted: (state, pending): RoundState => ({
      ...state,
      pending: [...state.pending, pending],
    }),
    grew: (state, growth): RoundState => ({
      ...state,
      growing: [
        ...state.growing.filter((one) => one.sessionId !== growth.sessionId),
        growth,
      ],
    }),
    growthTaken: (state): RoundState => ({ ...state, growing: [] }),
    refused: (state, { entryId }): RoundState => ({
      ...state,
      pending: state.pending.filter((one) => one.entry_id !== entryId),
    }),
    decided: (state, { height, blockId, owed, entryIds }): RoundState => ({
      ...state,
      height,
      block_id: blockId,
      pending: state.pending.filter((one) => !entryIds.includes(one.entry_id)),
      owed: [...state.owed, ...owed],
    }),
    settled: (state, { count }): RoundState => ({
      ...state,
      owed: state.owed.slice(count),
    }),
  },
};

function include(entryId: string, entry: string): Then {
  return {
    perform: "include",
    key: entryId,
    input: { entryId, entry },
    answer: "included",
  };
}

function tellAnchored(owed: Owed): Then {
  return {
    tell: owed.notify,
    command: "anchored",
    input: {
      entryId: owed.entry_id,
      entryIndex: owed.entry_index,
      height: owed.height,
      blockId: owed.block_id,
      blockTime: owed.block_time,
    },
  };
}
