/**
 * Everything that a process of ours takes from its environment; `main.ts` reads it, once.
 *
 * @module
 */
import { z } from "zod";

const whole = (text: z.ZodString) =>
  text.regex(/^\d+$/, "It must be a whole number").transform(Number);

/** 1 PiB: more than any disk has, and exact when counted in bytes. */
const FREE_MIB_MAX = 2 ** 30;

/** A host as requests name it, with or without a port. */
const Host = z.string().refine(isHost, {
  error: ({ input }) => `"${input}" is not a host, or a host and its port`,
});

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
  ).pipe(z.array(Host)),
  LUCID_NATS_URL: z.url({ protocol: /^(nats|tls)$/ }).optional(),
  LUCID_LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  /** Threads that seal chunks; as many as there are cores if absent. */
  LUCID_WORKERS: whole(z.string()).pipe(z.int().min(1).max(64)).optional(),
  LUCID_FREE_MIB_MIN: whole(z.string()).pipe(z.number().max(FREE_MIB_MAX))
    .prefault("500"),
  /** What a desktop's terminal runs; the user's shell if absent. */
  LUCID_DESKTOP_SHELL: z.string().min(1).optional(),
  /** Written into the genesis when there is no chain yet; without effect afterwards. */
  LUCID_NETWORK: z.string().min(1).max(32).default("lucid-local"),
  LUCID_SLOT_MS: whole(z.string()).pipe(z.int().min(100).max(600_000)).prefault(
    "10000",
  ),
  LUCID_EMPTY_BLOCK_EVERY_SLOTS: whole(z.string()).pipe(z.int().min(1))
    .prefault("360"),
  /** Make blocks though the clock is more than a year ahead of the newest one. */
  LUCID_ACCEPT_CLOCK: z.literal("yes").optional(),
  /** For crash tests: `NAME:COUNT` ends the process by SIGKILL when it passes that point for the count-th time. */
  LUCID_CRASH_AT: z.string().regex(/^[a-z-]+:[1-9]\d*$/).optional(),
});
/** Everything that a process of ours takes from its environment. */
export type Environment = z.output<typeof Environment>;

function isHost(text: string): boolean {
  const address = `http://${text}`;
  return URL.canParse(address) &&
    new URL(address).href === `http://${new URL(address).host}/`;
}
