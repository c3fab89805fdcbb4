/**
 * Two small actors for the tests of the runtime: a ledger that counts, tells, reminds and
 * performs, and a till that is pinned to a node.
 *
 * @module
 */
import { z } from "zod";
import {
  type Behavior,
  defineProtocol,
  type Host,
  type HostOptions,
  openHost,
  soleClaims,
  type Store,
} from "@lucid/runtime";
import {
  type ManualClock,
  manualClock,
  seededRandom,
  silentLog,
} from "@lucid/runtime/testing";
import { openMemoryStore } from "@lucid/runtime/stores/memory";

const Sum = z.strictObject({ sum: z.int() });
const Nothing = z.strictObject({});

export const Ledger = defineProtocol({
  name: "ledger",
  version: 1,
  collection: "ledgers",
  placement: "sharded",
  state: z.strictObject({
    sum: z.int(),
    entries: z.int(),
    heard: z.array(z.string()),
  }),
  commands: {
    read: { input: Nothing, reply: Sum, refusals: {} },
    add: {
      input: z.strictObject({ by: z.int() }),
      reply: Sum,
      refusals: { "ledger/negative": "invalid" },
    },
    pass: {
      input: z.strictObject({ to: z.array(z.string()), word: z.string() }),
      reply: Nothing,
      refusals: {},
    },
    hear: {
      input: z.strictObject({ word: z.string() }),
      reply: Nothing,
      refusals: { "ledger/deaf": "conflict" },
    },
    later: {
      input: z.strictObject({ at_ms: z.int(), word: z.string() }),
      reply: Nothing,
      refusals: {},
    },
    work: {
      input: z.strictObject({ key: z.string() }),
      reply: Nothing,
      refusals: {},
    },
    worked: {
      input: z.strictObject({ word: z.string() }),
      reply: Nothing,
      refusals: {},
    },
    crash: { input: Nothing, reply: Nothing, refusals: {} },
  },
  events: {
    added: z.strictObject({ by: z.int() }),
    heard: z.strictObject({ word: z.string() }),
  },
});

export const ledger: Behavior<typeof Ledger> = {
  protocol: Ledger,
  initial: () => ({ sum: 0, entries: 0, heard: [] }),
  decide: {
    read: ({ sum }) => ({ events: [], reply: { sum } }),
    add(state, { by }, { id }) {
      if (by < 0) {
        return {
          refused: "ledger/negative",
          because: `Cannot add ${by} to ledger ${id}: it is negative`,
        };
      }
      const key = `${id}/${String(state.entries).padStart(6, "0")}`;
      return {
        events: [{ type: "added", data: { by } }],
        reply: { sum: state.sum + by },
        rows: [{ table: "entries", key, value: { ledger: id, by } }],
      };
    },
    pass: (_, { to, word }) => ({
      events: [],
      reply: {},
      then: to.map((tell) => ({ tell, command: "hear", input: { word } })),
    }),
    hear(_, { word }) {
      if (word === "crash") throw new Error("ledger crashed");
      if (word === "no") {
        return {
          refused: "ledger/deaf",
          because: "Cannot hear no: it is deaf",
        };
      }
      return { events: [{ type: "heard", data: { word } }], reply: {} };
    },
    later: (_, { at_ms, word }) => ({
      events: [],
      reply: {},
      then: [{ remind: "hear", atMs: at_ms, input: { word } }],
    }),
    work: (_, { key }) => ({
      events: [],
      reply: {},
      then: [{ perform: "fetch", key, input: {}, answer: "worked" }],
    }),
    worked: (_, { word }) => ({
      events: [{ type: "heard", data: { word } }],
      reply: {},
    }),
    crash() {
      throw new Error("ledger crashed");
    },
  },
  apply: {
    added: (state, { by }) => ({
      ...state,
      sum: state.sum + by,
      entries: state.entries + 1,
    }),
    heard: (state, { word }) => ({
      ...state,
      heard: [...state.heard, word].slice(-100),
    }),
  },
};

export const Till = defineProtocol({
  name: "till",
  version: 1,
  collection: "tills",
  placement: "pinned",
  state: z.strictObject({ words: z.array(z.string()) }),
  commands: {
    hear: {
      input: z.strictObject({ word: z.string() }),
      reply: z.strictObject({ words: z.int() }),
      refusals: {},
    },
    words: {
      input: Nothing,
      reply: z.strictObject({ words: z.array(z.string()) }),
      refusals: {},
    },
  },
  events: { heard: z.strictObject({ word: z.string() }) },
});

export const till: Behavior<typeof Till> = {
  protocol: Till,
  initial: () => ({ words: [] }),
  decide: {
    hear: ({ words }, { word }) => ({
      events: [{ type: "heard", data: { word } }],
      reply: { words: words.length + 1 },
    }),
    words: ({ words }) => ({ events: [], reply: { words: [...words] } }),
  },
  apply: {
    heard: ({ words }, { word }) => ({ words: [...words, word] }),
  },
};

/** Both behaviors. */
// deno-lint-ignore no-explicit-any -- any protocol
export const behaviors: readonly Behavior<any>[] = [ledger, till];

/** A host over a clock that one hand moves. */
export function testHost(
  options: Partial<HostOptions> & {
    readonly store?: Store;
    readonly clock?: ManualClock;
  } = {},
): { host: Host; clock: ManualClock; store: Store } {
  const clock = options.clock ?? manualClock();
  const store = options.store ?? openMemoryStore();
  const host = openHost({
    node: "n1",
    behaviors,
    random: seededRandom(1),
    log: silentLog,
    claims: soleClaims(1),
    ...options,
    clock,
    store,
  });
  return { host, clock, store };
}

/** What a ledger has heard, as stored. */
export async function heardBy(store: Store, id: string): Promise<unknown> {
  return (await store.get({ collection: "ledgers", id }))?.fields["heard"];
}

/** A store whose methods can be replaced one by one. */
export function bound(store: Store): Store {
  return {
    load: store.load.bind(store),
    commit: store.commit.bind(store),
    insertRows: store.insertRows.bind(store),
    get: store.get.bind(store),
    list: store.list.bind(store),
    query: store.query.bind(store),
    due: store.due.bind(store),
    declare: store.declare.bind(store),
    close: store.close.bind(store),
  };
}
