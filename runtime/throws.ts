/**
 * Which messages made an actor throw lately, so that it can be told whether a message is broken
 * or the actor is.
 *
 * @module
 */

/** Throws longer ago than this no longer count. */
const WITHIN_MS = 60_000;

/** The throws of one actor. */
export class Throws {
  readonly #byName = new Map<string, { count: number; atMs: number }>();

  /**
   * A message made the actor throw.
   *
   * @returns How often this one has, and how many different ones have.
   */
  add(
    name: string,
    nowMs: number,
  ): { readonly count: number; readonly different: number } {
    for (const [known, { atMs }] of this.#byName) {
      if (atMs < nowMs - WITHIN_MS) this.#byName.delete(known);
    }
    const count = this.count(name) + 1;
    this.#byName.set(name, { count, atMs: nowMs });
    return { count, different: this.#byName.size };
  }

  /** How often a message has made the actor throw. */
  count(name: string): number {
    return this.#byName.get(name)?.count ?? 0;
  }

  /** The message went through. */
  forget(name: string): void {
    this.#byName.delete(name);
  }
}
