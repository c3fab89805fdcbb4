/**
 * The hands of the recorder actors: captures that run in this process, and the report of every leaf to
 * its session.
 *
 * A marker file per capture outlives the process; what a life before this one left marked is reported
 * lost, and its actor asks for the capture again. Leaves lie in the vault before anybody hears of them, so
 * whatever was not acknowledged is reported from there.
 *
 * @module
 */
import {
  type Clock,
  type Effect,
  type Host,
  type Log,
  LucidError,
} from "@lucid/runtime";
import {
  type Capture as CaptureInput,
  Recorder,
} from "../actors/recorder/protocol.ts";
import { Session } from "../actors/session/protocol.ts";
import { decodeLeaf } from "../chain/leaf.ts";
import {
  type Capture,
  type CaptureEnd,
  startCapture,
} from "../recorder/capture.ts";
import type { StoredLeaf, Vault } from "../recorder/vault.ts";
import {
  type DataFolder,
  durableNames,
  readIfThere,
  removeIfThere,
  writeDurably,
} from "./data_folder.ts";
import type { Desktops, Door } from "./desktops.ts";
import type { Keys } from "./keys.ts";

/** What captures work with. */
export interface CapturesOptions {
  readonly data: DataFolder;
  readonly keys: Keys;
  readonly vault: Vault;
  readonly desktops: Desktops;
  readonly clock: Clock;
  readonly log: Log;
  /** Called right after each point a crash test may strike at: `report`. */
  readonly points?: ((name: string) => void) | undefined;
}

/** The captures of this node. */
export interface Captures {
  readonly effects: Readonly<Record<string, Effect>>;
  /** Report what the life before this one was capturing. */
  begin(host: Host): Promise<void>;
  /** Seal what has been captured so far and let go; the actors are not told, for they go on at the next start. */
  pauseAll(): Promise<void>;
}

/** Why a capture is asked for again, and why an interval before a stop is missing. */
const NOT_RUNNING = "Lucid was not running";

/** Open the captures of a node: none at first. */
export function openCaptures(options: CapturesOptions): Captures {
  const { data, keys, vault, desktops, clock, log, points } = options;
  const captures = new Map<string, Promise<Capture>>();
  let host: Host;
  let pausing = false;
  Deno.mkdirSync(data.file("captures"), { recursive: true, mode: 0o700 });
  const markerOf = (sessionId: string): string =>
    data.file("captures", sessionId);

  /** Tell the session of one leaf, for as long as it takes. */
  async function report(
    sessionId: string,
    { index, leaf }: StoredLeaf,
  ): Promise<void> {
    const input = { index, leaf: leaf.toHex() };
    await host.report(Session, `session/${sessionId}`, "addLeaf", input, {
      op: `leaf:${index}`,
    });
    points?.("report");
  }

  async function countedBy(sessionId: string): Promise<number> {
    const address = `session/${sessionId}`;
    return (await host.ask(Session, address, "get", {})).chunk_count;
  }

  async function begin(
    sessionId: string,
    { source, mode, chunkMs, startedAt }: CaptureInput,
  ): Promise<Capture> {
    if (source.kind === "desktop") await desktops.opened(sessionId);
    const door: Partial<Door> & Pick<Door, "socketPath"> =
      source.kind === "desktop"
        ? desktops.doorOf(sessionId)
        : { socketPath: source.socket_path, ...passwordFileOf(source) };
    writeDurably(markerOf(sessionId), new Uint8Array());
    const capture = await startCapture({
      vault,
      sessionId,
      sessionKey: await keys.sessionKey(sessionId),
      recorderKey: keys.node.publicKey,
      path: door.socketPath,
      password: passwordOf(door),
      chunkMs,
      strict: mode === "strict",
      notBeforeMs: startedAt,
      reported: await countedBy(sessionId),
      clock,
      log,
      onLeaf: (leaf) => report(sessionId, leaf),
    });
    log.info("capture began", { sessionId });
    capture.done.then(
      (end) => pausing ? undefined : failed(sessionId, end),
      (error) => failed(sessionId, { leaves: 0, endMs: 0, failure: error }),
    );
    return capture;
  }

  /** A capture that ended by itself is news; one that was asked to end is the answer to that. */
  async function failed(sessionId: string, end: CaptureEnd): Promise<void> {
    if (end.failure === undefined) return;
    log.error("capture failed", { sessionId, because: end.failure.message });
    const address = `recorder/${data.nodeId}/${sessionId}`;
    try {
      await host.report(Recorder, address, "ended", answerOf(end), {
        op: "ended",
      });
      forget(sessionId);
    } catch (error) {
      log.warn("capture's end not reported", {
        sessionId,
        because: String(error),
      });
    }
  }

  function forget(sessionId: string): void {
    captures.delete(sessionId);
    removeIfThere(markerOf(sessionId));
  }

  /** It is stopped while nobody captures it: what is on disk is reported, and the time since is a gap. */
  async function close(
    sessionId: string,
    { startedAt }: CaptureInput,
  ): Promise<CaptureEnd> {
    const stored = await vault.leaves(sessionId);
    const last = stored.at(-1);
    const startMs = last === undefined
      ? startedAt
      : decodeLeaf(last.leaf).endMs;
    const endMs = Math.max(startMs, clock.now());
    const index = last === undefined ? 0 : last.index + 1;
    const gap = { sessionId, index, startMs, endMs, reason: NOT_RUNNING };
    const { leaf } = await vault.gap(gap);
    const counted = await countedBy(sessionId);
    for (const one of [...stored, { index, leaf }].slice(counted)) {
      await report(sessionId, one);
    }
    return { leaves: index + 1, endMs };
  }

  return {
    effects: {
      "recorder.capture": async ({ id, input }) => {
        let capture = captures.get(id);
        if (capture === undefined) {
          captures.set(id, capture = begin(id, input as CaptureInput));
        }
        try {
          await capture;
        } catch (error) {
          captures.delete(id);
          throw error;
        }
        return {};
      },

      "recorder.finish": async ({ id, input }) => {
        const capture = await captures.get(id)?.catch(() => undefined);
        await capture?.stop();
        const end = await (capture?.done ?? close(id, input as CaptureInput));
        forget(id);
        return answerOf(end);
      },
    },

    async begin(opened) {
      host = opened;
      for (const id of durableNames(data.file("captures"))) {
        const address = `recorder/${data.nodeId}/${id}`;
        const op = `lost:${data.boot}`;
        const because = NOT_RUNNING;
        await host.report(Recorder, address, "lost", { because }, { op });
      }
    },

    async pauseAll() {
      pausing = true;
      await Promise.allSettled(
        [...captures.values()].map(async (capture) => (await capture).stop()),
      );
    },
  };
}

function answerOf({ leaves, endMs, failure }: CaptureEnd) {
  return {
    endedAt: endMs,
    leafCount: leaves,
    ...(failure === undefined ? {} : { failure: failure.message }),
  };
}

function passwordFileOf(
  source: { readonly password_path?: string },
): Partial<Door> {
  return source.password_path === undefined
    ? {}
    : { passwordPath: source.password_path };
}

function passwordOf({ passwordPath }: Partial<Door>): string | undefined {
  if (passwordPath === undefined) return undefined;
  const bytes = readIfThere(passwordPath);
  if (bytes === undefined) {
    throw new LucidError(
      "capture/no-password",
      "unavailable",
      `Cannot open the screen: its password file ${passwordPath} is not there`,
    );
  }
  return new TextDecoder().decode(bytes).trimEnd();
}
