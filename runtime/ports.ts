/**
 * The doors through which time and chance come in. Whatever runs inside a host takes them as
 * arguments, so that a test can live through a week in a millisecond and fail twice the same way.
 *
 * @module
 */

/** Time, as told to people and as measured. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; may jump either way. For records. */
  now(): number;
  /** Milliseconds since some fixed moment; never runs backwards. For deadlines. */
  elapsedMs(): number;
  /**
   * Call `run` once, `ms` milliseconds from now.
   *
   * @returns A function that calls it off; calling it late does nothing.
   */
  after(ms: number, run: () => void): () => void;
}

/** Chance. */
export interface Random {
  /** That many bytes nobody can guess (or, by seed, everybody can repeat). */
  bytes(count: number): Uint8Array<ArrayBuffer>;
}

/** Makes ids: ULIDs, each greater than the one before. */
export type NewId = () => string;

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Chance as the operating system gives it. */
export const systemRandom: Random = {
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
};

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Bytes of chance in a ULID: 80 bits. */
const CHANCE_BYTES = 10;

/**
 * Make a maker of ULIDs that rise strictly, also within one millisecond and when the wall clock
 * is set back.
 *
 * Source: https://github.com/ulid/spec (monotonic variant).
 *
 * @param ports Where the time and the chance come from.
 * @returns A function that gives a fresh ULID of 26 characters at each call.
 */
export function ulidMaker(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): NewId {
  let lastMs = -1;
  let chance: Uint8Array = new Uint8Array(CHANCE_BYTES);
  return () => {
    const nowMs = clock.now();
    if (nowMs > lastMs || !increment(chance)) {
      lastMs = Math.max(nowMs, lastMs + 1);
      chance = random.bytes(CHANCE_BYTES);
      // The top bit stays clear, so that counting up cannot run over within one millisecond.
      chance[0] = chance[0]! & 0x7f;
    }
    return timeText(lastMs) + chanceText(chance);
  };
}

/** Add one, in place; false where all bits were set. */
function increment(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = bytes[i]! + 1;
    if (bytes[i] !== 0) return true;
  }
  return false;
}

function timeText(ms: number): string {
  let text = "";
  for (let rest = ms, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) {
    text = CROCKFORD[rest % 32] + text;
  }
  return text;
}

function chanceText(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) {
      text += CROCKFORD[(held >> (bits - 5)) & 31];
    }
    held &= 0xff;
  }
  return text;
}
