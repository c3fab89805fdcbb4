/**
 * Keys and signatures of entries as a node checks them: a key once for good, an entry once however often it is asked
 * about while it waits.
 *
 * @module
 */
import { isTorsionFree } from "./ed25519.ts";
import { type Entry, isSigned, signedHead } from "./entry.ts";

/** What was found sound and signed. */
export class SignatureMemory {
  readonly #soundKeys = new Set<string>();
  readonly #signed = new WeakSet<Entry>();

  /** Whether every key of an entry lies in the prime-order group. */
  isSound(entry: Entry): boolean {
    return signedHead(entry).keys.every((key) => {
      const name = key.toHex();
      if (this.#soundKeys.has(name)) return true;
      if (!isTorsionFree(key)) return false;
      this.#soundKeys.add(name);
      return true;
    });
  }

  /** Whether every key of an entry has signed it. */
  isSigned(entry: Entry): boolean {
    if (this.#signed.has(entry)) return true;
    if (!isSigned(entry)) return false;
    this.#signed.add(entry);
    return true;
  }
}
