import assert from "node:assert/strict";
import { LucidError } from "@lucid/runtime";
import { sentenceOf } from "../../commands/failure.ts";
import { counted } from "../../commands/print.ts";

Deno.test("sentenceOf: ours say themselves what was attempted, others are put in one line", () => {
  const ours = new LucidError("a/b", "invalid", "Cannot a: b is so");
  assert.equal(sentenceOf("up", ours), "Cannot a: b is so");
  assert.equal(
    sentenceOf("up", new Error("a\n  b")),
    "Cannot run lucid up: a b",
  );
  assert.equal(sentenceOf("up", "a"), "Cannot run lucid up: a");
});

Deno.test("counted: one is not many", () => {
  const words = [0, 1, 2].map((count) => counted(count, "chunk"));
  assert.deepEqual(words, ["0 chunks", "1 chunk", "2 chunks"]);
});
