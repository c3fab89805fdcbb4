/**
 * One decision: the message meets its schema, the actor decides, its events move the state.
 * Nothing here waits, stores or sends.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Context, Row, Then } from "./actor.ts";
import { parseAddress } from "./address.ts";
import { THEN_MAX } from "./document.ts";
import type { Kind } from "./errors.ts";
import type { Outcome } from "./message.ts";
import type { Protocol } from "./protocol.ts";
import type { SchemaIssue } from "./schema.ts";

/** A behavior as the runtime sees it, whatever its protocol. */
export interface AnyBehavior {
  readonly protocol: Protocol;
  initial(id: string): unknown;
  readonly decide: Readonly<
    Record<
      string,
      (state: unknown, input: unknown, context: Context) => Verdict
    >
  >;
  readonly apply: Readonly<
    Record<string, (state: unknown, event: unknown) => unknown>
  >;
}

/** What a decision answers, whatever its protocol. */
export type Verdict =
  | {
    readonly events: readonly {
      readonly type: string;
      readonly data: unknown;
    }[];
    readonly reply: unknown;
    readonly rows?: readonly Row[];
    readonly then?: readonly Then[];
  }
  | { readonly refused: string; readonly because: string };

/** What came of one decision. */
export type Turn =
  /** Nothing is to be written. */
  | { readonly outcome: Outcome; readonly next?: undefined }
  /** To be written first. */
  | { readonly outcome: Outcome; readonly next: Next };

/** What an acceptance makes true. */
export interface Next {
  readonly state: unknown;
  readonly events: readonly { readonly type: string; readonly data: unknown }[];
  readonly rows: readonly Row[];
  readonly then: readonly Then[];
}

const NONE: readonly never[] = [];

/**
 * Decide one command.
 *
 * @returns Its outcome, and what is to be stored if anything is.
 * @throws Whatever the actor throws: it was wrong, and nothing has happened.
 */
export function takeTurn(
  behavior: AnyBehavior,
  state: unknown,
  { command, input, context }: {
    readonly command: string;
    readonly input: unknown;
    readonly context: Context;
  },
): Turn {
  const { name, commands } = behavior.protocol;
  const spec = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (spec === undefined) return { outcome: unknownCommand(name, command) };
  const result = spec.input["~standard"].validate(input);
  assert(!(result instanceof Promise), `Schema of ${name}.${command} waits`);
  if (result.issues !== undefined) {
    return { outcome: invalidInput(`${name}.${command}`, result.issues) };
  }
  const verdict = behavior.decide[command]!(state, result.value, context);
  if ("refused" in verdict) {
    const { refused, because } = verdict;
    const kind: Kind | undefined = spec.refusals[refused];
    assert(kind, `${name}.${command} refuses with ${refused}, undeclared`);
    return { outcome: { refused, kind, because } };
  }
  const { events, reply, rows = NONE, then = NONE } = verdict;
  const outcome: Outcome = { reply };
  if (events.length === 0 && rows.length === 0 && then.length === 0) {
    return { outcome };
  }
  assert(then.length <= THEN_MAX, `${name}.${command} wants too much at once`);
  for (const step of then) if ("tell" in step) parseAddress(step.tell);
  let after = state;
  for (const event of events) {
    after = behavior.apply[event.type]!(after, event.data);
  }
  return { outcome, next: { state: after, events, rows, then } };
}

function unknownCommand(name: string, command: string): Outcome {
  return {
    failed: "request/unknown-command",
    kind: "invalid",
    because: `Cannot ask ${name} to ${command}: it has no such command`,
  };
}

function invalidInput(what: string, issues: readonly SchemaIssue[]): Outcome {
  const plain = issues.map(({ message, path = [] }) => ({
    path: path.map((step) => String(typeof step === "object" ? step.key : step))
      .join("."),
    message,
  }));
  const first = plain[0];
  return {
    failed: "request/invalid",
    kind: "invalid",
    because: `Cannot read the input of ${what}: ${
      first?.path ? `${first.path}: ` : ""
    }${first?.message ?? "it does not fit"}`,
    details: { issues: plain },
  };
}
