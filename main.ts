/**
 * The `lucid` command: picks the subcommand, reads the environment once, and turns what went wrong
 * into one sentence.
 *
 * @module
 */
import { LucidError, readConfig } from "@lucid/runtime";
import { Environment } from "./commands/environment.ts";

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
  const { stdout, stderr } = Deno;
  const say = (stream: typeof stdout, text: string): void => {
    stream.writeSync(new TextEncoder().encode(text));
  };
  if (name === undefined || name === "--help" || name === "help") {
    say(stdout, HELP);
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    say(stderr, `Cannot run lucid ${name}: there is no such command\n${HELP}`);
    return 2;
  }
  try {
    const names = Object.keys(Environment.shape);
    const environment = readConfig(
      Environment,
      Object.fromEntries(names.map((key) => [key, Deno.env.get(key)])),
    );
    return await (await command.load()).run(args, environment);
  } catch (error) {
    if (!(error instanceof LucidError)) throw error;
    say(stderr, `${error.message}\n`);
    return 1;
  }
}
