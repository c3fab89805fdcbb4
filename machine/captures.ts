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
import { type Capture, startCapture } from "../recorder/capture.ts";
import type { StoredLeaf, Vault } from "../recorder/vault.ts";
import {
  type DataFolder,
  durableNames,
  removeIfThere,
  writeDurably,
} from "./data_folder.ts";
import type { Desktops, Door } from "./desktops.ts";
import type { Keys } from "./keys.ts";
import { readPassword } from "./password_file.ts";
import { openTurns } from "./turns.ts";

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
  const captures = new Map<string, Capture>();
  /** Beginning and ending the capture of one session never overlap. */
  const inTurn = openTurns();
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

  /** Where the session stands: how many leaves it counted, and until when they reach. */
  async function standing(sessionId: string, { startedAt }: CaptureInput) {
    const address = `session/${sessionId}`;
    const session = await host.ask(Session, address, "get", {});
    return {
      counted: session.chunk_count,
      until: session.recorded_until ?? startedAt,
    };
  }

  async function begin(
    sessionId: string,
    input: CaptureInput,
  ): Promise<Capture> {
    const { counted, until } = await standing(sessionId, input);
    const { socketPath, passwordPath } = doorOf(sessionId, input);
    writeDurably(markerOf(sessionId), new Uint8Array());
    const capture = await startCapture({
      vault,
      sessionId,
      sessionKey: await keys.sessionKey(sessionId),
      recorderKey: keys.node.publicKey,
      path: socketPath,
      password: () => passwordPath && readPassword(passwordPath),
      chunkMs: input.chunkMs,
      strict: input.mode === "strict",
      notBeforeMs: until,
      reported: counted,
      clock,
      log,
      onLeaf: (leaf) => report(sessionId, leaf),
    });
    log.info("capture began", { sessionId });
    capture.done.then(
      ({ endMs, failure }) => failed(sessionId, { endMs, failure }),
      (failure) => failed(sessionId, { endMs: clock.now(), failure }),
    );
    return capture;
  }

  function doorOf(
    sessionId: string,
    { source }: CaptureInput,
  ): Omit<Door, "passwordPath"> & Partial<Door> {
    return source.kind === "desktop" ? desktops.doorOf(sessionId) : {
      socketPath: source.socket_path,
      ...(source.password_path === undefined
        ? {}
        : { passwordPath: source.password_path }),
    };
  }

  /** A capture that ended by itself is news; one that was asked to end is the answer to that. */
  async function failed(
    sessionId: string,
    { endMs, failure }: {
      readonly endMs: number;
      readonly failure: Error | undefined;
    },
  ): Promise<void> {
    if (pausing || failure === undefined) return;
    log.error("capture failed", { sessionId, because: failure.message });
    const address = `recorder/${data.nodeId}/${sessionId}`;
    const input = { endedAt: endMs, failure: failure.message };
    try {
      await host.report(Recorder, address, "ended", input, { op: "ended" });
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

  /** It was stopped while nobody captured it: what is on disk is reported, and the time up to the stop is a gap. */
  async function close(
    sessionId: string,
    input: CaptureInput,
    { stoppedAt }: { readonly stoppedAt: number },
  ): Promise<number> {
    const { counted, until } = await standing(sessionId, input);
    const stored = await vault.leaves(sessionId);
    const last = stored.at(-1);
    const startMs = Math.max(
      until,
      last === undefined ? 0 : decodeLeaf(last.leaf).endMs,
    );
    if (startMs < stoppedAt) {
      const index = Math.max(counted, last === undefined ? 0 : last.index + 1);
      const gap = { sessionId, index, startMs, endMs: stoppedAt };
      const { leaf } = await vault.gap({ ...gap, reason: NOT_RUNNING });
      stored.push({ index, leaf });
    }
    for (const leaf of stored) {
      if (leaf.index >= counted) await report(sessionId, leaf);
    }
    return Math.max(startMs, stoppedAt);
  }

  async function capture(sessionId: string, input: CaptureInput) {
    const address = `recorder/${data.nodeId}/${sessionId}`;
    const { status } = await host.ask(Recorder, address, "get", {});
    // It may have been stopped while this was tried again and again.
    if (status !== "recording" || captures.has(sessionId)) return {};
    try {
      captures.set(sessionId, await begin(sessionId, input));
    } catch (failure) {
      if (input.mode === "lenient" || !(failure instanceof LucidError)) {
        throw failure;
      }
      await failed(sessionId, { endMs: clock.now(), failure });
    }
    return {};
  }

  async function finish(
    sessionId: string,
    { stoppedAt, ...input }: CaptureInput & { readonly stoppedAt: number },
  ) {
    const capture = captures.get(sessionId);
    await capture?.stop();
    const end = await capture?.done;
    const endedAt = end?.endMs ?? await close(sessionId, input, { stoppedAt });
    forget(sessionId);
    return {
      endedAt,
      ...(end?.failure === undefined ? {} : { failure: end.failure.message }),
    };
  }

  return {
    effects: {
      "recorder.capture": ({ id, input }) =>
        inTurn(id, () => capture(id, input as CaptureInput)),
      "recorder.finish": ({ id, input }) =>
        inTurn(
          id,
          () => finish(id, input as CaptureInput & { stoppedAt: number }),
        ),
    },

    async begin(opened) {
      host = opened;
      for (const id of durableNames(data.file("captures"))) {
        const address = `recorder/${data.nodeId}/${id}`;
        const op = `lost:${data.boot}`;
        const because = NOT_RUNNING;
        try {
          await host.report(Recorder, address, "lost", { because }, { op });
        } catch (error) {
          // Its document is gone: nobody will ask for this capture again.
          log.warn("capture of nobody", { sessionId: id, because: `${error}` });
          removeIfThere(markerOf(id));
        }
      }
    },

    async pauseAll() {
      pausing = true;
      await Promise.allSettled(
        [...captures.values()].map((capture) => capture.stop()),
      );
    },
  };
}
