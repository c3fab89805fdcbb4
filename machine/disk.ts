/**
 * How much room is left for recordings, told to the node actor when it matters: every half minute, and at
 * once when the floor is crossed.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import type { Clock, Host, Log } from "@lucid/runtime";
import { Node } from "../actors/node/protocol.ts";

/** Often enough to refuse a session in time: 14 MiB/min is the most that one desktop records. */
const LOOK_MS = 5_000;
/** A document is written at least so often while nothing changes, so that the figure is fresh. */
const REPORT_MS = 30_000;

/** Bytes that may still be written where `path` lies. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/**
 * Watch the disk for the life of the process.
 *
 * @returns How to stop.
 */
export function watchDisk(
  host: Host,
  { path, floorBytes, clock, log }: {
    readonly path: string;
    readonly floorBytes: number;
    readonly clock: Clock;
    readonly log: Log;
  },
): () => void {
  let wasLow = freeBytes(path) < floorBytes;
  let reportedMs = clock.elapsedMs();
  let cancel = clock.after(LOOK_MS, look);

  function look(): void {
    cancel = clock.after(LOOK_MS, look);
    let free: number;
    try {
      free = freeBytes(path);
    } catch (error) {
      log.warn("disk not seen", { because: String(error) });
      return;
    }
    const isLow = free < floorBytes;
    if (isLow === wasLow && clock.elapsedMs() - reportedMs < REPORT_MS) return;
    if (isLow && !wasLow) log.warn("disk low", { free, floorBytes });
    wasLow = isLow;
    reportedMs = clock.elapsedMs();
    host.ask(Node, `node/${host.node}`, "observe", {
      freeBytes: free,
      floorBytes,
    }).catch((error) => {
      log.warn("disk report failed", { because: String(error) });
    });
  }

  return () => cancel();
}
