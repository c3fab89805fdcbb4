/**
 * The one error class that crosses a process boundary.
 *
 * @module
 */

/** What a caller can do about a failure. The gateway maps each kind to one HTTP status. */
export type Kind =
  /** Mend the request. */
  | "invalid"
  /** Ask for the right to do it. */
  | "denied"
  /** Nothing is there. */
  | "missing"
  /** Not in the state it is in now. */
  | "conflict"
  /** Later, or less of it. */
  | "exhausted"
  /** The world failed: the same request may go through soon. */
  | "unavailable"
  /** We were wrong. */
  | "internal";

/** Extra facts about a failure. */
export interface LucidErrorOptions {
  /** Safe to show to the caller; plain JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** The failure underneath; logged, never sent. */
  readonly cause?: unknown;
}

/** A failure that a caller is expected to meet. */
export class LucidError extends Error {
  /** Always `"LucidError"`; tell errors apart by {@linkcode LucidError.code}. */
  override readonly name = "LucidError";
  /** Stable and unique: `part/reason`, e.g. `session/not-recording`. */
  readonly code: string;
  /** What the caller can do. */
  readonly kind: Kind;
  /** Safe to show to the caller. */
  readonly details: Readonly<Record<string, unknown>>;

  /**
   * Describe a failure.
   *
   * @param code Stable code, `part/reason`.
   * @param kind What the caller can do.
   * @param message For people: what was attempted, a colon, then what is so.
   * @param options Details and cause.
   */
  constructor(
    code: string,
    kind: Kind,
    message: string,
    options: LucidErrorOptions = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.kind = kind;
    this.details = options.details ?? {};
  }
}
