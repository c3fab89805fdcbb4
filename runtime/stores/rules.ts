/**
 * Rules that every driver keeps the same way: who outranks whom, what a cursor looks like, and
 * which names may become part of a statement.
 *
 * @module
 */
import { LucidError } from "../errors.ts";
import type { Fence, Scalar } from "../store.ts";

/** Whether a load under `fence` goes through where `stored` was left. */
export function outranks(fence: Fence, stored: Fence): boolean {
  if (stored.epoch !== fence.epoch) return stored.epoch < fence.epoch;
  return stored.incarnation !== fence.incarnation ||
    stored.activation < fence.activation;
}

/** Where a page ended, as text that callers hand back unread. */
export function writeCursor(rank: readonly (Scalar | null)[]): string {
  return new TextEncoder().encode(JSON.stringify(rank))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * The inverse of {@linkcode writeCursor}.
 *
 * @throws {LucidError} `request/invalid` where the text is no cursor.
 */
export function readCursor(text: string): readonly (Scalar | null)[] {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    const rank: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const plain = (value: unknown): boolean =>
      value === null || ["string", "number", "boolean"].includes(typeof value);
    if (Array.isArray(rank) && rank.length > 0 && rank.every(plain)) {
      return rank;
    }
  } catch {
    // Falls through: whatever it is, it was not written here.
  }
  throw new LucidError(
    "request/invalid",
    "invalid",
    "Cannot go on from there: the cursor was not made by this store",
  );
}

/**
 * Let a collection's or field's name through.
 *
 * @throws {LucidError} `store/name` where it could mean something else inside a statement.
 */
export function checkName(name: string): string {
  if (/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/.test(name)) return name;
  throw new LucidError(
    "store/name",
    "internal",
    `Cannot use the name ${JSON.stringify(name)}: it is not snake_case`,
  );
}
