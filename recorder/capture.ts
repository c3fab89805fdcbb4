/**
 * One session's recording, from the screen to the vault: chunk after chunk without time lost between
 * them, a gap leaf for every interval that nobody recorded. Strict ends the recording when it has
 * failed for two seconds; lenient goes on and names the gap.
 *
 * @module
 */
import { type Clock, type Log, LucidError } from "@lucid/runtime";
import { decodeLeaf } from "../chain/leaf.ts";
import { Alarm } from "./alarm.ts";
import { Outlet } from "./outlet.ts";
import { ScreenSilent, watchScreen } from "./watch.ts";
import type { Packing } from "./seal.ts";
import { StreamWriter } from "./stream.ts";
import { openTap, type Tap } from "./tap.ts";
import { Timeline } from "./timeline.ts";
import type { StoredLeaf, Vault } from "./vault.ts";

/** Strict: how long recording may fail. The time a person needs to notice that the screen has frozen. */
const STRICT_MS = 2_000;

/** Short enough that a crash costs little, long enough that the whole picture each chunk begins with does not count. */
const CHUNK_MS = 60_000;

/** From connecting to a first picture. 0.3 s on a loaded Raspberry Pi. */
const OPENING_MS = 1_500;

/** First pause between attempts to reach a lost screen; each is twice the one before … */
const RETRY_MS_MIN = 50;

/** … up to this. */
const RETRY_MS_MAX = 5_000;

/** Why an interval was not recorded, as gap leaves say it. */
const GAP = {
  lost: "the screen's connection was lost",
  silent: "the screen did not answer",
  refused: "the screen refused the recorder",
  malformed: "the screen's stream was malformed",
  tooLarge: "the picture was too large for a chunk",
  behind: "storage was behind",
  restarted: "the recorder was restarted",
  late: "the recorder began late",
  clock: "the clock was set forward",
} as const;

/** What is recorded, how, and where to. */
export interface CaptureOptions {
  /** Where chunks go. */
  readonly vault: Vault;
  /** ULID. */
  readonly sessionId: string;
  /** 32 bytes, the session's own. */
  readonly sessionKey: Uint8Array;
  /** Public key of this node, 32 bytes. */
  readonly recorderKey: Uint8Array;
  /** UNIX socket of the desktop's VNC server. */
  readonly path: string;
  /** Its view-only password, looked up for every connection, unless it asks for none; what it throws counts as a lost screen. */
  readonly password: () => string | undefined;
  /** Length of a chunk, 60 s by default; a busy screen's chunk is closed earlier, before 10 MiB. */
  readonly chunkMs?: number;
  /** Polls a second, 5 by default: what is visible for less than 1/fps may be missing. */
  readonly fps?: number;
  /** `auto` by default. */
  readonly packing?: Packing;
  /** End when recording has failed for 2 s, instead of going on with a gap. */
  readonly strict: boolean;
  /** Where the recording stands, in milliseconds since the Unix epoch: no leaf begins before it, though the clock be set back. */
  readonly notBeforeMs: number;
  /** How many leaves the session has acknowledged; later ones found on disk are reported first. */
  readonly reported: number;
  /** Time. */
  readonly clock: Clock;
  /** Losses and recoveries. */
  readonly log: Log;
  /** Report a leaf that is on disk; resolves when the session has acknowledged it, rejects when it never will. */
  readonly onLeaf: (leaf: StoredLeaf) => Promise<void>;
}

/** How a capture ended. */
export interface CaptureEnd {
  /** Leaves of the session on disk, those of earlier lives included. */
  readonly leaves: number;
  /** End of the last leaf, milliseconds since the Unix epoch. */
  readonly endMs: number;
  /** Why it ended before it was stopped. */
  readonly failure?: LucidError;
}

/** A running capture. */
export interface Capture {
  /** When it has ended and every leaf is acknowledged. */
  readonly done: Promise<CaptureEnd>;
  /** End it; resolves when everything is on disk, whether or not the session could be told. */
  stop(): Promise<CaptureEnd>;
}

/**
 * Record a screen until stopped. A session that has leaves in the vault is continued behind them,
 * with a gap for the time in between.
 *
 * @example
 * ```ts ignore
 * const capture = await startCapture({ vault, sessionId, …, strict: true, reported: 0, onLeaf });
 * const { leaves, failure } = await capture.stop();
 * ```
 * @throws {LucidError} `recording/disk-low` when there is too little room to begin.
 */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  options.vault.requireRoom();
  const leaves = await options.vault.leaves(options.sessionId);
  return new ScreenCapture(options, leaves);
}

/** A chunk begun: its tap, and its stream with the first picture. */
interface Take {
  readonly tap: Tap;
  readonly stream: StreamWriter;
}

class ScreenCapture implements Capture {
  readonly done: Promise<CaptureEnd>;
  readonly #options: CaptureOptions;
  readonly #outlet: Outlet;
  readonly #timeline: Timeline;
  readonly #stored: Promise<CaptureEnd>;
  #index: number;
  #endMs: number;
  /** Since when (monotonic) and why nothing is recorded; undefined while all is well. */
  #gap: { readonly sinceMs: number; readonly reason: string } | undefined;
  #failure: LucidError | undefined;
  #stopping = false;
  readonly #alarm: Alarm;

  constructor(options: CaptureOptions, leaves: readonly StoredLeaf[]) {
    this.#options = options;
    const { clock, strict, onLeaf, reported } = options;
    this.#alarm = new Alarm(clock);
    const last = leaves.at(-1);
    // The disk may have lost leaves that the session counted: their positions are not given twice.
    this.#index = Math.max(last === undefined ? 0 : last.index + 1, reported);
    const sinceMs = Math.max(
      options.notBeforeMs,
      last === undefined ? 0 : decodeLeaf(last.leaf).endMs,
    );
    this.#timeline = new Timeline(clock, sinceMs);
    const nowMs = this.#timeline.at(clock.elapsedMs());
    this.#endMs = nowMs;
    if (this.#index > 0 || nowMs - sinceMs > OPENING_MS) {
      this.#endMs = sinceMs;
      const reason = this.#index === 0 ? GAP.late : GAP.restarted;
      this.#gap = { sinceMs: clock.elapsedMs(), reason };
    }
    this.#outlet = new Outlet({
      clock,
      onLeaf,
      leaves,
      reported,
      patienceMs: strict ? STRICT_MS : Infinity,
      onProgress: () => this.#progress(),
    });
    this.#stored = this.#run();
    this.done = this.#finish();
  }

  stop(): Promise<CaptureEnd> {
    this.#end(undefined);
    return this.#stored;
  }

  async #finish(): Promise<CaptureEnd> {
    await this.#stored;
    await this.#outlet.reported;
    return this.#outcome();
  }

  async #run(): Promise<CaptureEnd> {
    let take = await this.#reach();
    while (take !== undefined) {
      take = await this.#recordChunk(take) ?? await this.#reach();
    }
    this.#closeGap();
    this.#outlet.close();
    await this.#outlet.stored;
    return this.#outcome();
  }

  #outcome(): CaptureEnd {
    const { last } = this.#outlet;
    const failure = this.#failure;
    return {
      leaves: last === undefined ? 0 : last.index + 1,
      endMs: last === undefined ? this.#endMs : decodeLeaf(last.leaf).endMs,
      ...(failure && { failure }),
    };
  }

  /** Try to reach the screen until it is there; undefined when the capture is to end. */
  async #reach(): Promise<Take | undefined> {
    for (
      let retryMs = RETRY_MS_MIN;
      !this.#stopping;
      retryMs = Math.min(2 * retryMs, RETRY_MS_MAX)
    ) {
      const take = this.#outlet.hasRoom ? await this.#begin() : undefined;
      if (take !== undefined) {
        this.#closeGap();
        return take;
      }
      if (this.#patienceMs() <= 0) this.#giveUp();
      else await this.#alarm.pause(Math.min(retryMs, this.#patienceMs()));
      if (this.#gapIsLong() && this.#outlet.hasRoom) this.#storeGap();
    }
    return undefined;
  }

  async #begin(): Promise<Take | undefined> {
    const { path, password, clock } = this.#options;
    try {
      const withinMs = Math.min(OPENING_MS, Math.max(1, this.#patienceMs()));
      const tap = await openTap({
        path,
        password: password(),
        clock,
        withinMs,
      });
      return { tap, stream: beginStream(tap) };
    } catch (error) {
      this.#interrupted(error);
      return undefined;
    }
  }

  /**
   * Record one chunk to its end.
   *
   * @returns The beginning of the next one, its first picture on record; undefined when there is none.
   */
  async #recordChunk({ tap, stream }: Take): Promise<Take | undefined> {
    const { clock } = this.#options;
    const startMs = this.#endMs;
    const startedMs = clock.elapsedMs();
    let next: Take | undefined;
    let seenMs = startedMs;
    try {
      for await (const update of this.#watch(tap)) {
        seenMs = clock.elapsedMs();
        const record = { atMs: seenMs - startedMs, bytes: update };
        // What no longer fits is on the first picture of the next chunk.
        if (!stream.fits(update)) break;
        stream.add(record);
      }
      if (!this.#stopping && !this.#outlet.hasRoom) {
        this.#interrupted(GAP.behind);
      } else if (!this.#stopping) next = await this.#begin();
    } catch (error) {
      this.#interrupted(error);
    }
    tap.close();
    if (this.#gap !== undefined) this.#endMs = this.#timeline.at(seenMs);
    const seam = this.#gap === undefined
      ? this.#timeline.seam()
      : { endMs: this.#endMs, startMs: this.#endMs };
    this.#storeChunk(stream, { startMs, endMs: seam.endMs });
    this.#endMs = seam.endMs;
    if (seam.startMs > seam.endMs) this.#storeGap(GAP.clock);
    return next;
  }

  #watch(tap: Tap): AsyncGenerator<Uint8Array> {
    const { clock, chunkMs = CHUNK_MS, fps = 5 } = this.#options;
    return watchScreen(tap, {
      clock,
      alarm: this.#alarm,
      pollMs: 1_000 / fps,
      dueMs: clock.elapsedMs() + chunkMs,
      mayEnd: () => this.#outlet.hasRoom,
      mustEnd: () => this.#stopping,
    });
  }

  #storeChunk(
    stream: StreamWriter,
    times: { readonly startMs: number; readonly endMs: number },
  ): void {
    const { vault, sessionId, sessionKey, recorderKey, packing = "auto" } =
      this.#options;
    const index = this.#index++;
    const chunk = {
      sessionId,
      sessionKey,
      recorderKey,
      index,
      ...times,
      packing,
      plain: stream.bytes(),
    };
    this.#outlet.put(async () => ({
      index,
      leaf: (await vault.seal(chunk)).leaf,
    }));
  }

  /** The interval since the last piece becomes a gap leaf. */
  #storeGap(reason: string = this.#gap!.reason): void {
    const { vault, sessionId } = this.#options;
    const index = this.#index++;
    const startMs = this.#endMs;
    const endMs = this.#endMs = this.#timeline.seam().startMs;
    this.#outlet.put(async () => ({
      index,
      leaf:
        (await vault.gap({ sessionId, index, startMs, endMs, reason })).leaf,
    }));
  }

  #interrupted(cause: unknown): void {
    const { clock, log, sessionId } = this.#options;
    if (this.#gap !== undefined) return;
    const reason = gapReason(cause);
    const sinceMs = cause instanceof ScreenSilent
      ? cause.sinceMs
      : clock.elapsedMs();
    this.#gap = { sinceMs, reason };
    log.warn("recording interrupted", {
      sessionId,
      reason,
      cause: String(cause),
    });
    if (
      cause instanceof LucidError &&
      cause.code === "recording/picture-too-large"
    ) this.#end(cause);
  }

  #closeGap(): void {
    if (this.#gap === undefined) return;
    this.#storeGap();
    const { clock, log, sessionId } = this.#options;
    log.info("recording gap closed", {
      sessionId,
      reason: this.#gap.reason,
      tookMs: clock.elapsedMs() - this.#gap.sinceMs,
    });
    this.#gap = undefined;
  }

  #gapIsLong(): boolean {
    const { clock, chunkMs = CHUNK_MS } = this.#options;
    const nowMs = clock.elapsedMs();
    // A restart finds a long interval behind it; what counts is how long this life has tried.
    return this.#gap !== undefined && nowMs - this.#gap.sinceMs >= chunkMs &&
      this.#timeline.at(nowMs) - this.#endMs >= chunkMs;
  }

  #patienceMs(): number {
    const { clock, strict } = this.#options;
    return strict && this.#gap !== undefined
      ? this.#gap.sinceMs + STRICT_MS - clock.elapsedMs()
      : Infinity;
  }

  #giveUp(): void {
    this.#end(
      new LucidError(
        "recording/interrupted",
        "unavailable",
        `Cannot go on recording: ${this.#gap!.reason} for ${
          STRICT_MS / 1_000
        } s, and this session must not go on unrecorded`,
      ),
    );
  }

  #end(failure: LucidError | undefined): void {
    if (!this.#stopping) this.#failure = failure;
    this.#stopping = true;
    this.#alarm.ring();
  }

  #progress(): void {
    if (this.#outlet.failure !== undefined) {
      this.#failure ??= this.#outlet.failure;
      this.#end(this.#failure);
    } else this.#alarm.ring();
  }
}

/** The first picture of a chunk, on record. */
function beginStream(tap: Tap): StreamWriter {
  const stream = new StreamWriter();
  for (const bytes of [tap.opening, ...tap.picture]) {
    if (!stream.fits(bytes)) {
      tap.close();
      throw new LucidError(
        "recording/picture-too-large",
        "invalid",
        `Cannot record a screen of ${tap.width}×${tap.height}: one picture of it does not fit into a chunk. Use a smaller screen`,
      );
    }
    stream.add({ atMs: 0, bytes });
  }
  return stream;
}

function gapReason(cause: unknown): string {
  if (typeof cause === "string") return cause;
  if (cause instanceof ScreenSilent) return GAP.silent;
  if (!(cause instanceof LucidError)) throw cause;
  switch (cause.code) {
    case "tap/refused":
      return GAP.refused;
    case "rfb/malformed":
      return GAP.malformed;
    case "recording/picture-too-large":
      return GAP.tooLarge;
    default:
      return GAP.lost;
  }
}
