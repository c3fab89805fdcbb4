/**
 * `lucid up`: the whole system in one process, until it is told to stop.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import {
  LucidError,
  openHost,
  openLog,
  Secret,
  soleClaims,
  systemClock,
  systemRandom,
  ulidMaker,
} from "@lucid/runtime";
import { openNatsBus } from "@lucid/runtime/bus/nats";
import { openSqliteStore } from "@lucid/runtime/stores/sqlite";
import { node } from "../actors/node/node.ts";
import { rdp } from "../actors/rdp/rdp.ts";
import { recorder } from "../actors/recorder/recorder.ts";
import { round } from "../actors/round/round.ts";
import { session } from "../actors/session/session.ts";
import { createApp } from "../gateway/app.ts";
import { serve } from "../gateway/serve.ts";
import { INDEXES } from "../gateway/sessions.ts";
import { ownerToken } from "../gateway/tokens.ts";
import { openDataFolder, writeDurably } from "../machine/data_folder.ts";
import { freePort } from "../machine/free_port.ts";
import { openKeys } from "../machine/keys.ts";
import {
  type CrashTest,
  EPOCH_BLOCKS,
  openMachine,
} from "../machine/machine.ts";
import {
  howToInstall,
  missingPrograms,
  SEARCH_PATH,
} from "../machine/programs.ts";
import type { Environment } from "./environment.ts";
import { natsOptions } from "./nats_options.ts";
import { print } from "./print.ts";
import { VERSION } from "./version.ts";

const HELP = `lucid up

Starts Lucid and keeps it up: gateway, actors, recorder, chain and a bus of its own. Its data is in LUCID_DATA
(default ./data); a second lucid up on the same folder is refused. Ctrl-C or SIGTERM to the process named in
lucid.pid there stops it; starting it again goes on where it stopped.

  LUCID_HOST, LUCID_PORT           where the gateway listens        (127.0.0.1, 8080; 0: any free port)
  LUCID_ALLOWED_HOSTS              names browsers may use, by comma (loopback names are always allowed)
  LUCID_NATS_URL                   a bus that is there already      (one is started on a free loopback port)
  LUCID_LOG_LEVEL                  debug, info, warn or error       (info; JSON lines on standard error)
  LUCID_WORKERS                    threads that seal chunks         (as many as there are cores)
  LUCID_FREE_MIB_MIN               no session begins below          (500)
  LUCID_DESKTOP_SHELL              what a desktop's terminal runs   (the user's shell)
  LUCID_NETWORK, LUCID_SLOT_MS, LUCID_EMPTY_BLOCK_EVERY_SLOTS
                                   for a new chain alone            (lucid-local, 10000, 360)
`;

/** Run the command; resolves to its exit code when the system has stopped. */
export async function run(
  args: string[],
  environment: Environment,
): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { help: { type: "boolean" } },
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  await requirePrograms();
  const stopped = untilSignalled();
  const system = await start(environment);
  print(system.welcome);
  await stopped;
  print("Stopping …\n");
  await system.stop();
  return 0;
}

/** Everything, in the order in which one part needs another; stopped in the reverse order. */
async function start(environment: Environment) {
  const clock = systemClock;
  const random = systemRandom;
  const newId = ulidMaker({ clock, random });
  const log = openLog({
    clock,
    level: environment.LUCID_LOG_LEVEL,
    write: (line) => {
      Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
    },
  });
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const data = openDataFolder(environment.LUCID_DATA, { newId });
    undo.push(() => data.close());
    const keys = await openKeys(data);
    const store = await openSqliteStore({
      path: data.file("documents.sqlite"),
    });
    undo.push(() => store.close());
    await store.declare(INDEXES);
    const machine = await openMachine({
      data,
      keys,
      workers: environment.LUCID_WORKERS ?? availableParallelism(),
      floorBytes: environment.LUCID_FREE_MIB_MIN * 2 ** 20,
      desktopShell: environment.LUCID_DESKTOP_SHELL,
      genesis: {
        network: environment.LUCID_NETWORK,
        slotMs: environment.LUCID_SLOT_MS,
        epochBlocks: EPOCH_BLOCKS,
        emptyBlockEverySlots: environment.LUCID_EMPTY_BLOCK_EVERY_SLOTS,
      },
      version: VERSION,
      clock,
      log,
      crash: crashTest(environment.LUCID_CRASH_AT),
    });
    undo.push(() => machine.close());
    const natsUrl = environment.LUCID_NATS_URL ?? await startedBus(machine);
    const bus = openNatsBus({
      ...natsOptions(natsUrl),
      name: "lucid",
      clock,
      log,
    });
    undo.push(() => bus.close());
    const host = openHost({
      node: data.nodeId,
      behaviors: [session, recorder, rdp, round, node],
      store,
      bus,
      clock,
      random,
      log,
      claims: soleClaims(data.boot),
      effects: machine.effects,
      ...(machine.points === undefined ? {} : { points: machine.points }),
    });
    undo.push(() => host.drain());
    const evidence = await machine.begin(host);
    undo.push(() => machine.pause());

    const { LUCID_HOST: hostname } = environment;
    const port = environment.LUCID_PORT || freePort();
    const gateway = createApp({
      host,
      store,
      node: data.nodeId,
      evidence,
      chain: machine.chain,
      tokens: ownerToken(new Secret(keys.ownerToken), {
        user: data.nodeId,
        role: "super_admin",
      }),
      allowedHosts: [
        ...["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${port}`),
        ...environment.LUCID_ALLOWED_HOSTS,
      ],
      clock,
      log,
      ids: newId,
      version: VERSION,
    });
    const server = serve(gateway, { hostname, port, clock });
    undo.push(() => server.stop());
    writeDurably(
      data.file("lucid.url"),
      new TextEncoder().encode(`${server.address}\n`),
    );
    log.info("lucid up", { address: server.address, node: data.nodeId });
    return { welcome: welcome(server.address, data), stop };
  } catch (error) {
    await stop();
    throw error;
  }

  async function startedBus(
    machine: { startBus(): Promise<{ url: string; stop(): Promise<void> }> },
  ): Promise<string> {
    const server = await machine.startBus();
    undo.push(() => server.stop());
    return server.url;
  }
}

function welcome(
  address: string,
  data: { readonly path: string; file(...names: string[]): string },
): string {
  return `Lucid is up at ${address} (API at ${address}/docs)
  data          ${data.path}
  owner's token ${data.file("keys", "owner.token")}
  master key    ${data.file("keys", "master.key")}
                Losing it loses every recording: deno task lucid key export FILE
  bus           ${data.file("nats.url")}
Stop with Ctrl-C, or with kill ${Deno.pid} (a signal to npx alone does not arrive here).
`;
}

/** Before anything else is done: a session that fails for want of a program helps nobody. */
async function requirePrograms(): Promise<void> {
  const missing = await missingPrograms(SEARCH_PATH);
  if (missing.length === 0) return;
  throw new LucidError(
    "programs/missing",
    "unavailable",
    `Cannot start Lucid: these programs are missing\n${howToInstall(missing)}`,
  );
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
function untilSignalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const handler = (): void => {
        Deno.removeSignalListener(signal, handler);
        resolve();
      };
      Deno.addSignalListener(signal, handler);
    }
  });
}

function crashTest(text: string | undefined): CrashTest | undefined {
  if (text === undefined) return undefined;
  const [point, count] = text.split(":") as [string, string];
  return { point, count: Number(count) };
}
