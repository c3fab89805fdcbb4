import assert from "node:assert/strict";
import { encode, type Value } from "../../chain/canonical.ts";
import { decodeEntry } from "../../chain/entry.ts";

Deno.test("entry.decode finds the body, however many keys have signed", () => {
  for (const count of [1, 23, 24, 255, 256, 600]) {
    const keys = Array.from({ length: count }, (_, at) => {
      const key = new Uint8Array(32);
      new DataView(key.buffer).setUint32(0, at);
      return key;
    });
    const signatures = keys.map(() => new Uint8Array(64));
    const body = new Map<number, Value>([
      [0, new Uint8Array(32)],
      [1, keys],
      [2, 7],
    ]);
    const entry = decodeEntry(encode([1, body, signatures]));
    assert.deepEqual(entry.bodyBytes, encode(body));
    assert.deepEqual(entry.signatures, signatures);
  }
});
