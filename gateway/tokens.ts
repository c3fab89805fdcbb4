/**
 * The token of a system with one owner. Accounts and signing in come with the users.
 *
 * @module
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "@lucid/runtime";
import type { Caller, Tokens } from "./ports.ts";

/**
 * Accept one token and no other.
 *
 * @param token The text that the caller must send.
 * @param caller Whoever sends it is this.
 */
export function ownerToken(token: Secret, caller: Caller): Tokens {
  const expected = digest(token.reveal());
  return {
    // Hashes have one length, and comparing them in constant time tells nothing about either text.
    verify: (given) =>
      Promise.resolve(
        timingSafeEqual(digest(given), expected) ? caller : undefined,
      ),
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
