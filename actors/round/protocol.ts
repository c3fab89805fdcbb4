/**
 * The round of one validator: which entries wait for a block, and who is owed news of it. The blocks
 * themselves lie in the chain's files; this is a thin shell round the loop that makes them.
 *
 * @module
 */
import { defineProtocol } from "@lucid/runtime";
import { z } from "zod";
import {
  Address,
  Because,
  Count,
  EntryBytes,
  Hash,
  TimeMs,
  Ulid,
} from "../fields.ts";

/** An entry that waits: its bytes stay the same until it is decided or refused. */
const Pending = z.strictObject({
  entry_id: Hash,
  entry: EntryBytes,
  notify: Address.exactOptional(),
});

/** News that a decided entry's sender has not been told yet. */
const Owed = z.strictObject({
  notify: Address,
  entry_id: Hash,
  entry_index: Count,
  height: Count,
  block_id: Hash,
  block_time: TimeMs,
});
/** News that a decided entry's sender has not been told yet. */
export type Owed = z.infer<typeof Owed>;

/** A running session's size, to be anchored in between. */
const Growth = z.strictObject({ sessionId: Ulid, leafCount: Count });

/** What a round's document holds. */
export const RoundState = z.strictObject({
  pending: z.array(Pending).max(1_000),
  owed: z.array(Owed).max(1_000),
  growing: z.array(Growth).max(1_000),
  height: Count,
  block_id: z.union([Hash, z.literal("")]),
});
/** What a round's document holds. */
export type RoundState = z.infer<typeof RoundState>;

const Nothing = z.strictObject({});
const Signed = z.strictObject({ entryId: Hash, entry: EntryBytes });

/** What may be said to a round. */
export const Round = defineProtocol({
  name: "round",
  version: 1,
  collection: "rounds",
  placement: "pinned",
  state: RoundState,
  commands: {
    // From sessions.
    submit: {
      input: z.strictObject({
        entryId: Hash,
        entry: EntryBytes,
        notify: Address,
      }),
      reply: Nothing,
      refusals: {},
    },
    grow: { input: Growth, reply: Nothing, refusals: {} },
    // Answers and reports of its node.
    included: {
      input: z.strictObject({
        entryId: Hash,
        failure: Because.exactOptional(),
      }),
      reply: Nothing,
      refusals: {},
    },
    interimSigned: {
      input: z.strictObject({ entries: z.array(Signed).max(64) }),
      reply: Nothing,
      refusals: {},
    },
    decided: {
      input: z.strictObject({
        height: Count,
        blockId: Hash,
        blockTime: TimeMs,
        entries: z.array(
          z.strictObject({ entryId: Hash, entryIndex: Count }),
        ).max(1_000),
      }),
      reply: Nothing,
      refusals: {},
    },
    get: { input: Nothing, reply: RoundState, refusals: {} },
    // To itself.
    anchorGrowth: { input: Nothing, reply: Nothing, refusals: {} },
    settle: { input: Nothing, reply: Nothing, refusals: {} },
  },
  events: {
    submitted: Pending,
    grew: Growth,
    growthTaken: Nothing,
    refused: z.strictObject({ entryId: Hash, because: Because }),
    decided: z.strictObject({
      height: Count,
      blockId: Hash,
      owed: z.array(Owed),
      entryIds: z.array(Hash),
    }),
    settled: z.strictObject({ count: Count }),
  },
});
