/**
 * The hands of a node, put together: everything that touches this machine for an actor.
 *
 * @module
 */
import type { Clock, Effect, Host, Log, Store } from "@lucid/runtime";
import { Node } from "../actors/node/protocol.ts";
import type { Summary } from "../actors/recorder/protocol.ts";
import { openVault } from "../recorder/vault.ts";
import { openAnchoring } from "./anchoring.ts";
import { openCaptures } from "./captures.ts";
import { type ChainOptions, openChain } from "./chain/chain.ts";
import { openChainReader } from "./chain_reader.ts";
import { openChildren } from "./children.ts";
import type { DataFolder } from "./data_folder.ts";
import { openDesktopHands } from "./desktop_hands.ts";
import { openDesktops } from "./desktops.ts";
import { freeBytes, watchDisk } from "./disk.ts";
import { openEvidence } from "./evidence.ts";
import type { Keys } from "./keys.ts";
import { startNatsServer } from "./nats_server.ts";
import { checkSession, sealSession } from "./sealing.ts";

/** What a node's hands are made with. */
export interface MachineOptions {
  readonly data: DataFolder;
  readonly keys: Keys;
  readonly store: Store;
  /** Threads that seal chunks. */
  readonly workers: number;
  /** Below this much free disk no session begins. */
  readonly floorBytes: number;
  /** What a desktop's terminal runs; the user's shell if absent. */
  readonly desktopShell: string | undefined;
  /** What a new chain is made with. */
  readonly genesis: ChainOptions["genesis"];
  /** Go on with a chain whose newest block is more than a year behind the clock: an operator has looked. */
  readonly acceptsClock: boolean;
  /** Of this software. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where a crash test strikes. */
  readonly crash?: CrashTest | undefined;
}

/** For crash tests: the process ends at a named point when it is passed for the count-th time. */
export interface CrashTest {
  readonly point: string;
  readonly count: number;
}

/** The hands of a node. */
export type Machine = Awaited<ReturnType<typeof openMachine>>;

/** Epochs of a day on the default grid of 10 s. */
export const EPOCH_BLOCKS = 8_640;

/**
 * Open the hands of a node. Nothing is reported to any actor before `begin`.
 *
 * @throws {LucidError} When vault or chain cannot be used, saying what to do.
 */
export async function openMachine(options: MachineOptions) {
  const { data, keys, store, clock, log, crash, floorBytes } = options;
  const points = crash && crashAt(crash);
  const children = openChildren(data, { log });
  const vault = await openVault({
    dir: data.file("segments"),
    workers: options.workers,
    freeBytesFloor: floorBytes,
    log,
    crashAt: segmentCrash(crash),
  });
  let host: Host | undefined;
  const chain = openChain({
    dir: data.file("chain"),
    keys,
    genesis: options.genesis,
    clock,
    log,
    onDecided(block) {
      if (host !== undefined) {
        background(anchoring.announce(host, block), "block not reported");
      }
    },
    onStruck(id, because) {
      if (host !== undefined) {
        background(
          anchoring.giveUp(host, { entryId: id.toHex(), because }),
          "struck entry not reported",
        );
      }
    },
    ...(points === undefined ? {} : { points }),
  });
  if (options.acceptsClock) chain.acceptClock();
  const anchoring = openAnchoring({
    node: data.nodeId,
    keys,
    store,
    chain,
    log,
  });
  const desktops = openDesktops({
    children,
    runPath: data.runPath,
    shell: options.desktopShell,
    clock,
    log,
    onLost: (sessionId, because) => desktopHands.lost(sessionId, because),
  });
  const desktopHands = openDesktopHands({ data, desktops, log });
  const captures = openCaptures({
    data,
    keys,
    vault,
    desktops,
    clock,
    log,
    points,
  });
  const sealing = {
    data,
    keys,
    vault,
    store,
    chain,
    clock,
    software: `lucid/${options.version}`,
  };
  let stopWatching = (): void => {};

  /** Reports are repeated until they are answered; one that is refused is worth a line. */
  function background(work: Promise<unknown>, phrase: string): void {
    work.catch((error) => log.warn(phrase, { because: String(error) }));
  }

  const begun = Promise.withResolvers<void>();
  const hands: Readonly<Record<string, Effect>> = {
    ...anchoring.effects,
    ...captures.effects,
    ...desktopHands.effects,
    "recorder.seal": ({ id, input }) =>
      sealSession(id, input as Summary, sealing),
    "recorder.check": async ({ id, input }) => {
      const place = input as { entryIndex: number };
      const failure = await checkSession(id, place, sealing);
      return failure === undefined ? {} : { failure };
    },
    "recorder.erase": async ({ id }) => {
      keys.forget(id);
      await vault.erase(id);
      return {};
    },
  };

  return {
    /** What a life before this one left to be done waits until the hands can report. */
    effects: Object.fromEntries(
      Object.entries(hands).map(([name, hand]): [string, Effect] => [
        name,
        (work) => begun.promise.then(() => hand(work)),
      ]),
    ),
    chain: openChainReader(chain),
    /** What crash tests call at the points of other parts. */
    points,

    /** Start the bus that comes with Lucid. */
    startBus: () => startNatsServer({ children, data, clock, log }),

    /** Tell the actors what is so on this machine; from here on news is reported as it comes. */
    async begin(opened: Host) {
      host = opened;
      await host.report(Node, `node/${data.nodeId}`, "begin", {
        publicKey: keys.node.publicKey.toHex(),
        boot: data.boot,
        version: options.version,
        freeBytes: freeBytes(data.path),
        floorBytes,
      }, { op: `begin:${data.boot}` });
      stopWatching = watchDisk(host, {
        path: data.path,
        floorBytes,
        clock,
        log,
      });
      background(desktopHands.begin(host), "desktops not reported");
      background(anchoring.begin(host), "pending entries not handed in");
      background(captures.begin(host), "captures not reported");
      begun.resolve();
      return openEvidence({ data, keys, vault, store, chain, host });
    },

    /** Seal what is being captured and let the desktops go; to be done while the host still listens. */
    async pause() {
      stopWatching();
      await captures.pauseAll();
      await desktops.closeAll();
    },

    /** Let go of everything else. */
    async close() {
      chain.close();
      await vault.close();
      await children.stopAll();
    },
  };
}

/** Two of the points lie in the threads that write segments. */
function segmentCrash(crash: CrashTest | undefined) {
  if (crash === undefined) return undefined;
  const { point, count: job } = crash;
  return point === "segment-write" || point === "segment-fsync"
    ? { point, job } as const
    : undefined;
}

/** SIGKILL, as a power cut would: nothing is flushed, nobody is told. */
function crashAt({ point, count }: CrashTest): (name: string) => void {
  let left = count;
  return (name) => {
    if (name === point && --left === 0) Deno.kill(Deno.pid, "SIGKILL");
  };
}
