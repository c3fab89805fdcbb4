/**
 * The readable door: any NATS client, the `nats` command among them, asks an actor in JSON on
 * `lucid.v1.cmd.<kind>.<id>.<command>`, or `….<kind>.<node>.<id>.<command>` for a pinned one. Nodes
 * serve it from one queue group and pass on what is not theirs.
 *
 * @module
 */
import type { Bus, BusMessage } from "./bus.ts";
import type { Host } from "./hosting.ts";
import type { Outcome } from "./message.ts";
import type { NewId } from "./ports.ts";
import { PINNED_DOOR, readDoor, SHARDED_DOOR } from "./subjects.ts";

/** Header that carries the caller's operation id. */
const OP_HEADER = "Lucid-Op";
/** Every node is a member: whoever gets the message serves it. */
const QUEUE = "lucid";

/** Serve the door on `bus`. Returns how to close it. */
export function openDoor(
  { bus, host, newId }: {
    readonly bus: Bus;
    readonly host: Pick<Host, "request">;
    readonly newId: NewId;
  },
): () => void {
  const serve = async (message: BusMessage): Promise<void> => {
    const { subject, payload, reply } = message;
    const op = message.header(OP_HEADER) ?? newId();
    const { address, command } = readDoor(subject);
    const input = readInput(payload);
    const outcome = input === undefined
      ? NOT_JSON
      : await host.request(address, command, input.value, { op });
    if (reply === undefined) return;
    const text = JSON.stringify(readable(outcome));
    bus.publish(reply, new TextEncoder().encode(text));
  };
  const stops = [SHARDED_DOOR, PINNED_DOOR].map((subject) =>
    bus.subscribe(subject, (message) => void serve(message), { queue: QUEUE })
  );
  return () => stops.forEach((stop) => stop());
}

const NOT_JSON: Outcome = {
  failed: "request/invalid",
  kind: "invalid",
  because: "Cannot read the input: it is not JSON",
};

/** Nothing at all counts as `{}`: most commands that only look need no more. */
function readInput(
  payload: Uint8Array,
): { readonly value: unknown } | undefined {
  if (payload.length === 0) return { value: {} };
  try {
    return { value: JSON.parse(new TextDecoder().decode(payload)) };
  } catch {
    return undefined;
  }
}

/** `{reply}`, `{refused, because}` or `{error, because}`. */
function readable(outcome: Outcome): Readonly<Record<string, unknown>> {
  if ("reply" in outcome) return { reply: outcome.reply };
  const { because } = outcome;
  return "refused" in outcome
    ? { refused: outcome.refused, because }
    : { error: outcome.failed, because };
}
