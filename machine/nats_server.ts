/**
 * The embedded bus: one nats-server on loopback, with a user and password made for this life of it,
 * started again when it dies.
 *
 * @module
 */
import { join } from "node:path";
import { type Clock, type Log, LucidError } from "@lucid/runtime";
import type { Child, Children } from "./children.ts";
import { type DataFolder, writeDurably } from "./data_folder.ts";
import { freePort } from "./free_port.ts";

/** A bus of our own. */
export interface NatsServer {
  /** `nats://user:password@127.0.0.1:port`. */
  readonly url: string;
  stop(): Promise<void>;
}

/** It listens within 100 ms; a Raspberry Pi needs ten times as long. */
const START_MS = 5_000;
const POLL_MS = 20;
/** After a death; doubled at each further one, back to the first after a minute of life. */
const RESTART_MS_MIN = 100;
const RESTART_MS_MAX = 5_000;
const SETTLED_MS = 60_000;

/**
 * Start a nats-server and keep it up.
 *
 * Its address is written to `nats.url` in the data folder, mode 0600, for the `nats` command.
 *
 * @throws {LucidError} `nats/failed` when it does not come up the first time.
 */
export async function startNatsServer(
  { children, data, clock, log }: {
    readonly children: Children;
    readonly data: DataFolder;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<NatsServer> {
  const port = freePort();
  const password = crypto.getRandomValues(new Uint8Array(24)).toHex();
  const url = `nats://lucid:${password}@127.0.0.1:${port}`;
  const configPath = join(data.runPath, "nats.conf");
  await Deno.writeTextFile(configPath, configuration(port, password), {
    mode: 0o600,
  });
  writeDurably(data.file("nats.url"), new TextEncoder().encode(`${url}\n`));

  let stopping = false;
  let current: Child = launch();
  let cancelRestart = (): void => {};
  let restartMs = RESTART_MS_MIN;

  function launch(): Child {
    const began = clock.elapsedMs();
    const child = children.start({
      name: "nats-server",
      program: "nats-server",
      args: ["--config", configPath],
    });
    child.ended.then((because) => {
      if (stopping) return;
      if (clock.elapsedMs() - began > SETTLED_MS) restartMs = RESTART_MS_MIN;
      log.warn("nats-server lost", { because, restartMs });
      cancelRestart = clock.after(restartMs, () => {
        current = launch();
      });
      restartMs = Math.min(2 * restartMs, RESTART_MS_MAX);
    });
    return child;
  }

  const up = await Promise.race([untilListening(port, clock), current.ended]);
  if (up !== true) {
    stopping = true;
    await current.stop();
    const because = up === false ? `it is not up after ${START_MS} ms` : up;
    throw new LucidError(
      "nats/failed",
      "unavailable",
      `Cannot start nats-server on 127.0.0.1:${port}: ${because}`,
    );
  }
  return {
    url,
    async stop() {
      stopping = true;
      cancelRestart();
      await current.stop();
    },
  };
}

function configuration(port: number, password: string): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `authorization { user: "lucid", password: "${password}" }`,
    // Two frames of the largest body, with room for their heads.
    `max_payload: 1MB`,
    "",
  ].join("\n");
}

async function untilListening(port: number, clock: Clock): Promise<boolean> {
  const until = clock.elapsedMs() + START_MS;
  while (clock.elapsedMs() < until) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
  }
  return false;
}
