/**
 * `lucid up`: the whole system in one process, until it is told to stop.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import {
  type Clock,
  type Log,
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
import {
  type DataFolder,
  openDataFolder,
  removeIfThere,
  writeDurably,
} from "../machine/data_folder.ts";
import { freePort } from "../machine/free_port.ts";
import { openKeys } from "../machine/keys.ts";
import {
  type CrashTest,
  EPOCH_BLOCKS,
  type Machine,
  openMachine,
} from "../machine/machine.ts";
import {
  howToInstall,
  missingPrograms,
  SEARCH_PATH,
} from "../machine/programs.ts";
import { hostsOf, localAddress } from "./addresses.ts";
import type { Environment } from "./environment.ts";
import { natsOptions } from "./nats_options.ts";
import { print, printError } from "./print.ts";
import { Parts, untilSignalled } from "./stopping.ts";
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
  LUCID_ACCEPT_CLOCK=yes           for one start: the clock is right, though more than a year ahead of the chain
`;

/** Where this life listens; gone when it does no more. */
const ADDRESSES = ["lucid.url", "nats.url"];

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
  // What it writes, and what desktops write under it, is for this user alone.
  Deno.umask(0o077);
  const clock = systemClock;
  const log = openLog({
    clock,
    level: environment.LUCID_LOG_LEVEL,
    write: (line) => printError(`${line}\n`),
  });
  const parts = new Parts({ clock, log });
  const signalled = untilSignalled(clock);
  try {
    const starting = start(environment, { parts, clock, log });
    // A start that hangs can be ended too.
    await Promise.race([starting.then(print), signalled]);
    await signalled;
    print("Stopping …\n");
  } finally {
    await parts.stop();
  }
  return 0;
}

/** What the start of a system is handed. */
interface Grounds {
  /** Takes what has been started. */
  readonly parts: Parts;
  readonly clock: Clock;
  readonly log: Log;
}

/** Everything, in the order in which one part needs another. Resolves to what the person who started it must know. */
async function start(
  environment: Environment,
  { parts, clock, log }: Grounds,
): Promise<string> {
  const random = systemRandom;
  const newId = ulidMaker({ clock, random });
  const data = openDataFolder(environment.LUCID_DATA, { newId });
  const forgetAddresses = (): void => {
    for (const name of ADDRESSES) removeIfThere(data.file(name));
  };
  // Where a life before this one listened that was killed, somebody else may listen now.
  forgetAddresses();
  parts.add("data folder", () => {
    forgetAddresses();
    data.close();
  });
  const keys = await openKeys(data);
  const store = await openSqliteStore({
    path: data.file("documents.sqlite"),
  });
  parts.add("store", () => store.close());
  await store.declare(INDEXES);
  const machine = await openMachine({
    data,
    keys,
    store,
    workers: environment.LUCID_WORKERS ?? availableParallelism(),
    floorBytes: environment.LUCID_FREE_MIB_MIN * 2 ** 20,
    desktopShell: environment.LUCID_DESKTOP_SHELL,
    genesis: {
      network: environment.LUCID_NETWORK,
      slotMs: environment.LUCID_SLOT_MS,
      epochBlocks: EPOCH_BLOCKS,
      emptyBlockEverySlots: environment.LUCID_EMPTY_BLOCK_EVERY_SLOTS,
    },
    acceptsClock: environment.LUCID_ACCEPT_CLOCK === "yes",
    version: VERSION,
    clock,
    log,
    crash: crashTest(environment.LUCID_CRASH_AT),
  });
  parts.add("machine", () => machine.close());
  const natsUrl = environment.LUCID_NATS_URL ??
    await startedBus(machine, parts);
  const bus = openNatsBus({
    ...natsOptions(natsUrl),
    name: "lucid",
    clock,
    log,
  });
  parts.add("bus", () => bus.close());
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
  parts.add("actors", () => host.drain());
  const evidence = await machine.begin(host);
  parts.add("recordings", () => machine.pause());

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
      ...hostsOf({ hostname, port }),
      ...environment.LUCID_ALLOWED_HOSTS,
    ],
    clock,
    log,
    ids: newId,
    version: VERSION,
  });
  const server = serve(gateway, { hostname, port, clock });
  parts.add("gateway", () => {
    // Before the port is free: no client may send the owner's token to whoever has it next.
    removeIfThere(data.file("lucid.url"));
    return server.stop();
  });
  const address = localAddress(server.address);
  writeDurably(
    data.file("lucid.url"),
    new TextEncoder().encode(`${address}\n`),
  );
  log.info("lucid up", { address: server.address, node: data.nodeId });
  const busAt = environment.LUCID_NATS_URL === undefined
    ? data.file("nats.url")
    : natsOptions(natsUrl).url;
  return welcome(address, { data, busAt });
}

async function startedBus(machine: Machine, parts: Parts): Promise<string> {
  const server = await machine.startBus();
  parts.add("nats-server", () => server.stop());
  return server.url;
}

function welcome(
  address: string,
  { data, busAt }: { readonly data: DataFolder; readonly busAt: string },
): string {
  return `Lucid is up at ${address} (API at ${address}/docs)
  data          ${data.path}
  owner's token ${data.file("keys", "owner.token")}
  master key    ${data.file("keys", "master.key")}
                Losing it loses every recording: deno task lucid key export FILE
  bus           ${busAt}
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

function crashTest(text: string | undefined): CrashTest | undefined {
  if (text === undefined) return undefined;
  const [point, count] = text.split(":") as [string, string];
  return { point, count: Number(count) };
}
