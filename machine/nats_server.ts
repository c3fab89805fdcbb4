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
  let cancelRestart = (): void => {};
  let restartMs = RESTART_MS_MIN;
  let current = launch();

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
      launchLater();
    });
    return child;
  }

  function launchLater(): void {
    cancelRestart = clock.after(restartMs, () => {
      try {
        current = launch();
      } catch (error) {
        // The disk is full, or no process is to be had: that may pass.
        log.warn("nats-server not started", { because: String(error) });
        launchLater();
      }
    });
    restartMs = Math.min(2 * restartMs, RESTART_MS_MAX);
  }

  async function stop(): Promise<void> {
    stopping = true;
    cancelRestart();
    await current.stop();
  }

  const because = await untilUp(current, { port, clock });
  if (because !== undefined) {
    await stop();
    throw new LucidError(
      "nats/failed",
      "unavailable",
      `Cannot start nats-server on 127.0.0.1:${port}: ${because}`,
    );
  }
  return { url, stop };
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

/** Why it does not listen, or undefined when it does. */
async function untilUp(
  server: Child,
  { port, clock }: { readonly port: number; readonly clock: Clock },
): Promise<string | undefined> {
  let ended: string | undefined;
  server.ended.then((because) => ended = because);
  const until = clock.elapsedMs() + START_MS;
  while (ended === undefined && clock.elapsedMs() < until) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return undefined;
    } catch {
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
  }
  return ended ?? `it is not up after ${START_MS} ms`;
}
