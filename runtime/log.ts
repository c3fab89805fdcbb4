/**
 * Facts as JSON lines, and the one wrapper that keeps a secret out of them.
 *
 * @module
 */
import type { Clock } from "./ports.ts";

/** How much a line matters. */
export type Level = "debug" | "info" | "warn" | "error";

/** What is known about a fact, beside its phrase. */
export type Fields = Readonly<Record<string, unknown>>;

/** Where facts are told: a short fixed phrase, then fields. */
export interface Log {
  /** For somebody who is looking for a fault. */
  debug(phrase: string, fields?: Fields): void;
  /** Something happened as it should. */
  info(phrase: string, fields?: Fields): void;
  /** Something failed that will be tried again or can be lived with. */
  warn(phrase: string, fields?: Fields): void;
  /** Something is wrong and wants a person. */
  error(phrase: string, fields?: Fields): void;
  /** The same log, with `fields` on each of its lines. */
  with(fields: Fields): Log;
}

const LEVELS: readonly Level[] = ["debug", "info", "warn", "error"];

/** Where lines go, and which are worth writing. */
export interface LogOptions {
  /** Dates the lines. */
  readonly clock: Clock;
  /** Takes one line without its line feed. */
  readonly write: (line: string) => void;
  /** The least that is written; `info` when absent. */
  readonly level?: Level;
}

/**
 * Open a log: one JSON object a line, `{t, level, msg, …fields}`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openLog, Secret, systemClock } from "@lucid/runtime";
 *
 * const lines: string[] = [];
 * const log = openLog({ clock: systemClock, write: (line) => lines.push(line) });
 * log.info("key read", { file: "master.key", key: new Secret("abc") });
 * assert.match(lines[0]!, /"msg":"key read","file":"master.key","key":"\[secret\]"/);
 * ```
 */
export function openLog(options: LogOptions): Log {
  return logWith(options, {});
}

function logWith(options: LogOptions, always: Fields): Log {
  const least = LEVELS.indexOf(options.level ?? "info");
  const at = (level: Level) => (phrase: string, fields: Fields = {}): void => {
    if (LEVELS.indexOf(level) < least) return;
    const t = new Date(options.clock.now()).toISOString();
    const line = { t, level, msg: phrase, ...always, ...fields };
    options.write(JSON.stringify(line, (_, value) => plain(value)));
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => logWith(options, { ...always, ...fields }),
  };
}

/** What JSON cannot say by itself: errors with their causes, and large integers. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  const code = "code" in value ? value.code : undefined;
  return { name, code, message, stack, cause };
}

/** A value that no log line, error text or inspector shows. */
export class Secret<T = string> {
  readonly #value: T;

  /** Wrap `value`. */
  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself: for the one place that uses it. */
  reveal(): T {
    return this.#value;
  }

  /** `[secret]` */
  toString(): string {
    return "[secret]";
  }

  /** `[secret]` */
  toJSON(): string {
    return "[secret]";
  }

  /** `[secret]`, also for `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }
}
