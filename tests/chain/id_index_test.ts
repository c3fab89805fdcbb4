import assert from "node:assert/strict";
import { IdIndex } from "../../machine/chain/id_index.ts";
import { bytesOf } from "./world.ts";

Deno.test("idIndex finds every id among ten thousand, and hardly ever another", () => {
  const index = new IdIndex();
  const idOf = (at: number) => bytesOf(`id ${at}`);
  for (let at = 0; at < 10_000; at++) index.add(idOf(at), at);
  for (let at = 0; at < 10_000; at++) {
    assert.ok(index.candidates(idOf(at)).includes(at));
  }
  const strangers = Array.from(
    { length: 10_000 },
    (_, at) => index.candidates(bytesOf(`stranger ${at}`)).length,
  );
  assert.ok(strangers.filter((count) => count > 0).length < 3);
});

Deno.test("idIndex tells all ids that begin alike, wherever in the table they begin", () => {
  const index = new IdIndex();
  for (const [at, start] of [0, 1, 0xffff_ffff].entries()) {
    for (let copy = 0; copy < 3; copy++) {
      const id = new Uint8Array(32).fill(copy, 4);
      new DataView(id.buffer).setUint32(0, start);
      index.add(id, 3 * at + copy);
    }
  }
  const alike = new Uint8Array(32).fill(0xff, 0, 4);
  assert.deepEqual(index.candidates(alike), [6, 7, 8]);
  assert.deepEqual(index.candidates(new Uint8Array(32)), [0, 1, 2]);
  assert.deepEqual(index.candidates(bytesOf("nobody")), []);
});
