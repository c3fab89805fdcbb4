/**
 * Ids of decided entries, for as long as an entry could come a second time: until the height at which it expires.
 *
 * @module
 */

/** A set that forgets. */
export class ExpiringIds {
  readonly #ids = new Set<string>();
  readonly #byExpiry = new Map<number, string[]>();

  /** Whether an id is there and has not expired. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Keep an id until a block of height `expiryHeight` is decided. */
  add(id: string, { expiryHeight }: { readonly expiryHeight: number }): void {
    this.#ids.add(id);
    this.#byExpiry.getOrInsertComputed(expiryHeight, () => []).push(id);
  }

  /** Forget what expires at `height`; called for every height in turn. */
  expire(height: number): void {
    for (const id of this.#byExpiry.get(height) ?? []) this.#ids.delete(id);
    this.#byExpiry.delete(height);
  }
}
