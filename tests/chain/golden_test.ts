import assert from "node:assert/strict";
import { verifyProof } from "../../chain/verify.ts";
import { goldenFiles } from "./golden.ts";

const FOLDER = new URL("../golden/chain/", import.meta.url);
const kept = (name: string) => Deno.readTextFileSync(new URL(name, FOLDER));

for (const [name, text] of goldenFiles()) {
  Deno.test(`golden: ${name} has the bytes it always had`, () => {
    assert.equal(text, kept(name));
  });
}

Deno.test("golden: the kept proofs are valid against the kept trust file", () => {
  for (const name of ["proof.txt", "proof_by_later_block.txt"]) {
    const { answer } = verifyProof({
      proof: kept(name),
      trust: kept("trust.txt"),
      nowMs: 0,
    });
    assert.equal(answer, "VALID(single-operator)");
  }
});
