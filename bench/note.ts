/**
 * A small actor to measure the runtime by: it keeps one text.
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
  type Schema,
  soleClaims,
  systemClock,
  systemRandom,
} from "@lucid/runtime";
import { silentLog } from "@lucid/runtime/testing";

/** With its field's name and quotes it makes the 64 bytes that the baselines send. */
export const TEXT = "x".repeat(53);

const Text = z.strictObject({ text: z.string().max(256) });

/** `read` changes nothing; `write` is committed. */
export const Note = defineProtocol({
  name: "note",
  version: 1,
  collection: "notes",
  placement: "sharded",
  state: Text,
  commands: {
    read: { input: Text, reply: Text, refusals: {} },
    write: { input: Text, reply: Text, refusals: {} },
  },
  events: { written: Text },
});

/** The same, believing whatever comes. */
export const Unchecked = defineProtocol({
  ...Note,
  name: "unchecked",
  commands: {
    read: { input: believed(Text), reply: Text, refusals: {} },
    write: { input: believed(Text), reply: Text, refusals: {} },
  },
});

function believed<T>(_: Schema<T>): Schema<T> {
  const validate = (value: unknown) => ({ value: value as T });
  return { "~standard": { version: 1, vendor: "bench", validate } };
}

function keeper<P extends typeof Note | typeof Unchecked>(
  protocol: P,
): Behavior<P> {
  const behavior: Behavior<typeof Note> = {
    protocol: protocol as typeof Note,
    initial: () => ({ text: "" }),
    decide: {
      read: ({ text }) => ({ events: [], reply: { text } }),
      write: (_, { text }) => ({
        events: [{ type: "written", data: { text } }],
        reply: { text },
      }),
    },
    apply: { written: (_, { text }) => ({ text }) },
  };
  return behavior as unknown as Behavior<P>;
}

/** A host for both of them. */
export function noteHost(
  options: Pick<HostOptions, "node" | "store"> & Partial<HostOptions>,
): Host {
  return openHost({
    behaviors: [keeper(Note), keeper(Unchecked)],
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    claims: soleClaims(1),
    ...options,
  });
}
