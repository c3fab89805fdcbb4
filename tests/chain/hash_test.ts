import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { sha256 } from "../../chain/hash.ts";
import { SHORT_BYTES_MAX } from "../../chain/short_hash.ts";

/** Bytes that look like chance and are the same every time. */
function bytes(count: number, seed: number): Uint8Array {
  let state = seed * 2_654_435_761 + 1;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

Deno.test("sha256 is the platform's, at every length on both sides of where the platform takes over", () => {
  for (let length = 0; length <= SHORT_BYTES_MAX + 130; length++) {
    for (let seed = 0; seed < 4; seed++) {
      const message = bytes(length, length * 4 + seed);
      const cut = seed * Math.floor(length / 4);
      assert.equal(
        sha256(message.subarray(0, cut), message.subarray(cut)).toHex(),
        createHash("sha256").update(message).digest("hex"),
        `length ${length}, seed ${seed}`,
      );
    }
  }
});
