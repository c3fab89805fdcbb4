/**
 * The `lucid` command: picks the subcommand, reads the environment once, and turns what went wrong
 * into one sentence.
 *
 * @module
 */
import { LucidError, readConfig } from "@lucid/runtime";
import { z } from "zod";

const whole = (text: z.ZodString) =>
  text.regex(/^\d+$/, "It must be a whole number").transform(Number);

/** Everything that a process of ours takes from its environment. */
export const Environment = z.object({
  LUCID_DATA: z.string().min(1).default("./data"),
  LUCID_HOST: z.string().min(1).default("127.0.0.1"),
  LUCID_PORT: whole(z.string()).pipe(z.int().min(0).max(65_535)).prefault(
    "8080",
  ),
  /** Names under which a browser may reach the gateway, besides loopback ones. */
  LUCID_ALLOWED_HOSTS: z.string().default("").transform((text) =>
    text.split(",").map((name) => name.trim()).filter((name) => name !== "")
  ),
  LUCID_NATS_URL: z.url({ protocol: /^nats|tls$/ }).optional(),
  LUCID_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** Threads that seal chunks; as many as there are cores if absent. */
  LUCID_WORKERS: whole(z.string()).pipe(z.int().min(1).max(64)).optional(),
  LUCID_FREE_MIB_MIN: whole(z.string()).prefault("500"),
  /** What a desktop's terminal runs; the user's shell if absent. */
  LUCID_DESKTOP_SHELL: z.string().min(1).optional(),
  /** Written into the genesis when there is no chain yet; without effect afterwards. */
  LUCID_NETWORK: z.string().min(1).max(32).default("lucid-local"),
  LUCID_SLOT_MS: whole(z.string()).pipe(z.int().min(100).max(600_000)).prefault(
    "10000",
  ),
  LUCID_EMPTY_BLOCK_EVERY_SLOTS: whole(z.string()).pipe(z.int().min(1))
    .prefault("360"),
  /** For crash tests: `NAME:COUNT` ends the process by SIGKILL when it passes that point for the count-th time. */
  LUCID_CRASH_AT: z.string().regex(/^[a-z-]+:[1-9]\d*$/).optional(),
});
/** Everything that a process of ours takes from its environment. */
export type Environment = z.output<typeof Environment>;

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
