/**
 * The `lucid` command: picks the subcommand, reads the environment once, and turns what went wrong
 * into one sentence.
 *
 * @module
 */
import { type Level, openLog, readConfig, systemClock } from "@lucid/runtime";
import { Environment } from "./commands/environment.ts";
import { sentenceOf } from "./commands/failure.ts";
import { print, printError } from "./commands/print.ts";

/** One subcommand. */
interface Command {
  /** One line, for the list. */
  readonly summary: string;
  load(): Promise<{
    /** Resolves to the exit code. */
    run(args: string[], environment: Environment): Promise<number>;
  }>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  up: {
    summary: "Start Lucid and keep it up",
    load: () => import("./commands/up.ts"),
  },
  record: {
    summary: "Record a VNC server by way of a running Lucid",
    load: () => import("./commands/record.ts"),
  },
  verify: {
    summary: "Check a proof file offline",
    load: () => import("./commands/verify.ts"),
  },
  key: {
    summary: "Export the master key, without which no recording can be read",
    load: () => import("./commands/key.ts"),
  },
  doctor: {
    summary: "Say what is missing on this machine",
    load: () => import("./commands/doctor.ts"),
  },
  trace: {
    summary: "Show frames and events of a running Lucid, decoded",
    load: () => import("./commands/trace.ts"),
  },
};

const HELP = `lucid: remote desktops you can prove things about

Usage: lucid COMMAND [options]        each command knows --help

${
  Object.entries(COMMANDS).map(([name, { summary }]) =>
    `  ${name.padEnd(8)}${summary}`
  ).join("\n")
}

In a clone of the repository: deno task lucid COMMAND [options]
`;

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Run `lucid` with these words; resolves to the exit code. */
async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "help") {
    print(HELP);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    printError(`Cannot run lucid ${name}: there is no such command\n${HELP}`);
    return 2;
  }
  let level: Level = "info";
  function fail(error: unknown): number {
    const write = (line: string): void => printError(`${line}\n`);
    openLog({ clock: systemClock, level, write }).debug("failed", { error });
    printError(`${sentenceOf(name!, error)}\n`);
    return 1;
  }
  onUncaught((error) => Deno.exit(fail(error)));
  try {
    const names = Object.keys(Environment.shape);
    const environment = readConfig(
      Environment,
      Object.fromEntries(names.map((key) => [key, Deno.env.get(key)])),
    );
    level = environment.LUCID_LOG_LEVEL;
    return await (await command.load()).run(args, environment);
  } catch (error) {
    return fail(error);
  }
}

/** What nobody waits for can fail as well, and Deno would show its stack. */
function onUncaught(end: (error: unknown) => never): void {
  addEventListener("error", ({ error }) => end(error));
  addEventListener("unhandledrejection", ({ reason }) => end(reason));
}
