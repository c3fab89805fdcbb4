/**
 * Programs that this node runs: each dies with its parent, is on record while it lives, and says in a
 * sentence why it ended.
 *
 * `setpriv --pdeathsig KILL` has the kernel end a child whose parent is gone, however it went; the
 * record (pid and start time, which together name a process) is there for the rest: what a life before
 * this one left over is ended at the start.
 *
 * @module
 */
import type { Log } from "@lucid/runtime";
import {
  type DataFolder,
  durableNames,
  readIfThere,
  removeIfThere,
  writeDurably,
} from "./data_folder.ts";
import { SEARCH_PATH } from "./programs.ts";

/**
 * Goes before a program's name, and has the kernel end it with us; to be started by the main thread, whose end counts.
 * In a session of its own, so that a Ctrl-C at our terminal is ours alone: we end our children in order.
 */
export const DYING_WITH_US = [
  "setpriv",
  "--pdeathsig",
  "KILL",
  "--",
  "setsid",
] as const;

/** A program to run. */
export interface ChildSpec {
  /** Unique on the node, `[a-z0-9.-]+`. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment of the child. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it starts; the data folder if absent. */
  readonly cwd?: string;
}

/** A running program. */
export interface Child {
  readonly pid: number;
  /** Resolves when it has ended, with the reason for people. */
  readonly ended: Promise<string>;
  /** SIGTERM, then SIGKILL after a grace; resolves when it has ended. */
  stop(): Promise<void>;
}

/** All programs of this node. */
export interface Children {
  /**
   * Run a program. What that starts in turn may live on: see `end_holders.ts`.
   *
   * @throws {Error} If setpriv is not there, or the record cannot be written; nothing runs then.
   */
  start(spec: ChildSpec): Child;
  /** Stop whatever still runs. */
  stopAll(): Promise<void>;
}

/** An X server takes 50 ms; whoever needs longer than this does not listen. */
const GRACE_MS = 800;
/** What a child said last is kept for the sentence on how it ended. */
const LAST_WORDS_BYTES = 2_048;
const LAST_WORDS_LINES = 3;
const LAST_WORDS_CHARACTERS = 300;
/** They are in the pipe when it ends; whoever holds that open for longer is a child of its own. */
const LAST_WORDS_MS = 100;

/** Open the book of children, ending what a life before this one left over. */
export function openChildren(
  data: DataFolder,
  { log }: { readonly log: Log },
): Children {
  const recordOf = (name: string): string => data.file("children", name);
  for (const name of durableNames(data.file("children"))) {
    endLeftover(recordOf(name), { name, log });
  }
  const running = new Set<Child>();

  function start(spec: ChildSpec): Child {
    const [program, ...before] = DYING_WITH_US;
    const child = new Deno.Command(program, {
      args: [...before, spec.program, ...spec.args],
      clearEnv: true,
      env: { PATH: SEARCH_PATH, ...spec.env },
      cwd: spec.cwd ?? data.path,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const { pid } = child;
    const lastWords = listen(child.stderr);
    const ended = child.status.then(async (status) => {
      const words = await lastWords();
      running.delete(started);
      strike(spec.name);
      const how = status.signal === null
        ? `ended with code ${status.code}`
        : `was ended by ${status.signal}`;
      // What it said before somebody killed it has nothing to do with its end.
      const why = words === "" || status.signal === "SIGKILL"
        ? ""
        : ` (${words})`;
      return `${spec.program} ${how}${why}`;
    });
    const started: Child = {
      pid,
      ended,
      async stop(): Promise<void> {
        const kill = (signal: Deno.Signal): void => {
          try {
            child.kill(signal);
          } catch { /* It ended by itself meanwhile. */ }
        };
        kill("SIGTERM");
        const timer = setTimeout(() => kill("SIGKILL"), GRACE_MS);
        await ended;
        clearTimeout(timer);
      },
    };
    running.add(started);
    const record = { pid, started: startOf(pid), program: spec.program };
    try {
      writeDurably(
        recordOf(spec.name),
        new TextEncoder().encode(JSON.stringify(record)),
      );
    } catch (error) {
      started.stop();
      throw error;
    }
    return started;
  }

  /** A record that cannot be removed names nobody who lives, and goes at the next start. */
  function strike(name: string): void {
    try {
      removeIfThere(recordOf(name));
    } catch (error) {
      log.warn("record of a child stays", { name, because: String(error) });
    }
  }

  return {
    start,
    stopAll: async () => {
      await Promise.all([...running].map((child) => child.stop()));
    },
  };
}

/**
 * Hear a child's error stream.
 *
 * @returns To be called when it has ended: its last lines (an X server says why it gives up on more than one).
 */
function listen(stream: ReadableStream<Uint8Array>): () => Promise<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const heard = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const piece = decoder.decode(value, { stream: true });
      text = (text + piece).slice(-LAST_WORDS_BYTES);
    }
  })();
  return async () => {
    const timer = setTimeout(() => reader.cancel(), LAST_WORDS_MS);
    await heard;
    clearTimeout(timer);
    return text.split("\n").map((line) => line.replace("(EE)", "").trim())
      .filter((line) => line !== "").slice(-LAST_WORDS_LINES).join(" ")
      .slice(0, LAST_WORDS_CHARACTERS);
  };
}

/**
 * Clock ticks from boot to the start of a process (field 22 of its stat), or undefined if it is gone;
 * one that has ended and waits for its parent to notice is gone.
 * Read by `cat`, because Deno opens /proc to a process with all permissions only.
 */
export function startOf(pid: number): string | undefined {
  const { success, stdout } = new Deno.Command("cat", {
    args: [`/proc/${pid}/stat`],
    stderr: "null",
  }).outputSync();
  if (!success) return undefined;
  const text = new TextDecoder().decode(stdout);
  // The program's name stands in brackets and may hold spaces: count from the last bracket.
  const [state, ...fields] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? undefined : fields[18];
}

function endLeftover(
  path: string,
  { name, log }: { readonly name: string; readonly log: Log },
): void {
  const bytes = readIfThere(path);
  try {
    const { pid, started } = JSON.parse(new TextDecoder().decode(bytes)) as {
      pid: number;
      started: string;
    };
    if (started !== undefined && startOf(pid) === started) {
      endStranger(pid);
      log.warn("leftover child ended", { name, pid });
    }
  } catch (error) {
    log.warn("record of a child unreadable", { name, error: String(error) });
  }
  removeIfThere(path);
}

/** SIGKILL by way of `sh`, because Deno lets a process with less than all permissions signal its children only. */
function endStranger(pid: number): void {
  new Deno.Command("setpriv", {
    args: ["--", "sh", "-c", 'kill -KILL "$0"', String(pid)],
    stdout: "null",
    stderr: "null",
  }).outputSync();
}
