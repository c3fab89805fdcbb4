/**
 * Watching a screen through a tap for the length of a chunk: asking at a steady pace, and telling a
 * screen that stands still from one that is dead.
 *
 * @module
 */
import type { Clock } from "@lucid/runtime";
import type { Alarm } from "./alarm.ts";
import type { Tap } from "./tap.ts";

/** A still screen is asked for one pixel after this long: liveness on record, 45 bytes a second. */
const QUIET_MS = 1_000;

/** A living server answers for one pixel at once; this is patience with a busy machine. */
const ANSWER_MS = 1_000;

/** How to watch. */
export interface WatchOptions {
  /** Time. */
  readonly clock: Clock;
  /** Rung when {@linkcode WatchOptions.mustEnd} or {@linkcode WatchOptions.mayEnd} may have changed. */
  readonly alarm: Alarm;
  /** From one question to the next, at least. */
  readonly pollMs: number;
  /** When the chunk is due (monotonic). */
  readonly dueMs: number;
  /** Whether a chunk that is due may be closed. */
  readonly mayEnd: () => boolean;
  /** Whether to end at once. */
  readonly mustEnd: () => boolean;
}

/** The server left a question unanswered that a living one answers at once. */
export class ScreenSilent extends Error {
  /** When it was asked (monotonic). */
  readonly sinceMs: number;

  /** Since when there is silence. */
  constructor(sinceMs: number) {
    super("The screen does not answer");
    this.sinceMs = sinceMs;
  }
}

/**
 * Updates of the screen as they come, until the chunk is due or watching must end.
 *
 * @throws {LucidError | ScreenSilent} When the screen is lost or does not answer.
 */
export async function* watchScreen(
  tap: Tap,
  options: WatchOptions,
): AsyncGenerator<Uint8Array> {
  const { clock, pollMs } = options;
  while (true) {
    await untilPoll(clock.elapsedMs() + pollMs, options);
    if (isOver(options)) return;
    const update = await nextUpdate(tap, options);
    if (update === undefined) return;
    yield update;
  }
}

async function untilPoll(
  askAtMs: number,
  options: WatchOptions,
): Promise<void> {
  const { clock, alarm, dueMs } = options;
  for (
    let nowMs = clock.elapsedMs();
    nowMs < askAtMs && !isOver(options);
    nowMs = clock.elapsedMs()
  ) {
    await alarm.pause(
      (nowMs < dueMs ? Math.min(askAtMs, dueMs) : askAtMs) - nowMs,
    );
  }
}

/** What changes next; a still screen proves that it lives. */
async function nextUpdate(
  tap: Tap,
  options: WatchOptions,
): Promise<Uint8Array | undefined> {
  const { clock, alarm, dueMs } = options;
  let news:
    | { readonly update: Uint8Array }
    | { readonly error: unknown }
    | undefined;
  await tap.askChanges();
  tap.next()
    .then((update) => news = { update }, (error) => news = { error })
    .then(() => alarm.ring());
  let proofMs = clock.elapsedMs() + QUIET_MS;
  let asked = false;
  while (news === undefined && !isOver(options)) {
    const nowMs = clock.elapsedMs();
    if (nowMs >= proofMs) {
      if (asked) throw new ScreenSilent(proofMs - ANSWER_MS);
      asked = true;
      proofMs = nowMs + ANSWER_MS;
      await tap.askProof();
    }
    const untilMs = nowMs < dueMs ? Math.min(dueMs, proofMs) : proofMs;
    if (news === undefined) await alarm.pause(untilMs - nowMs);
  }
  if (news === undefined) return undefined;
  if ("error" in news) throw news.error;
  return news.update;
}

function isOver({ clock, dueMs, mayEnd, mustEnd }: WatchOptions): boolean {
  return mustEnd() || (clock.elapsedMs() >= dueMs && mayEnd());
}
