import assert from "node:assert/strict";
import { sealChunk, World } from "../chain/world.ts";
import { openWorld } from "./world.ts";

const PATH = "/api/v1/chain/verify";

/** One chunk, anchored on a chain of its own. */
function anchored() {
  const world = new World();
  const plain = new TextEncoder().encode("what was on the screen");
  const { leaf, sealed } = sealChunk(plain);
  const anchor = world.final({ leaves: [leaf] });
  world.block([anchor]);
  world.block([]);
  return {
    proof: world.proof({ leaves: [leaf], index: 0, anchor }),
    trust: world.trust,
    chunk: sealed,
  };
}

Deno.test("a proof is checked, step by step", async () => {
  await using world = await openWorld();
  const { proof, trust, chunk } = anchored();
  const report = await world.json(200, "POST", PATH, {
    body: { proof, trust, chunk: chunk.toBase64() },
  });
  assert.equal(report.answer, "VALID(single-operator)");
  assert.equal(report.exit_code, 0);
  assert.equal(report.findings.leaf.sealed_hash.length, 64);
  assert(report.caveats.length > 0);
  const steps = report.steps.map((step: { name: string }) => step.name);
  assert(steps.includes("segments") && !steps.includes("decrypt"));
});

Deno.test("without a trust file a proof is unpinned", async () => {
  await using world = await openWorld();
  const { proof } = anchored();
  const report = await world.json(200, "POST", PATH, { body: { proof } });
  assert.equal(report.answer, "UNPINNED");
  assert.equal(report.exit_code, 2);
});

Deno.test("one flipped bit of a chunk is found and named", async () => {
  await using world = await openWorld();
  const { proof, trust, chunk } = anchored();
  chunk[chunk.length >> 1]! ^= 1;
  const report = await world.json(200, "POST", PATH, {
    body: { proof, trust, chunk: chunk.toBase64() },
  });
  assert.equal(report.answer, "INVALID(chunk)");
  assert.equal(report.exit_code, 1);
  assert.equal(report.findings, undefined);
  assert.equal(report.steps.at(-1).holds, false);
});

Deno.test("files of noise are answers, what is no file is a bad request", async () => {
  await using world = await openWorld();
  const { proof, trust } = anchored();
  const noise = await world.json(200, "POST", PATH, { body: { proof: "{" } });
  assert.equal(noise.answer, "INVALID(proof)");
  const cases: readonly (readonly [unknown, number, number])[] = [
    [{}, 400, 1002],
    [{ proof: 7 }, 400, 1001],
    [{ proof: "" }, 400, 1004],
    [{ proof, trust: "x".repeat(2 ** 20 + 1) }, 400, 1004],
    [{ proof, trust, chunk: "not base64!" }, 400, 1001],
    [{ proof, chunk: "A".repeat(15 * 2 ** 20) }, 400, 1004],
    [{ proof, key: "00".repeat(32) }, 400, 1001],
    [{ proof, chunk: "A".repeat(17 * 2 ** 20) }, 413, 1010],
  ];
  for (const [body, status, code] of cases) {
    const problem = await world.json(status, "POST", PATH, { body });
    assert.equal(problem.code, `LUCID_ERR_${code}`, problem.detail);
    assert(problem.detail.length < 200);
  }
});

Deno.test("the largest chunk there can be is taken", async () => {
  await using world = await openWorld();
  const { proof, trust } = anchored();
  const chunk = new Uint8Array(10 * 2 ** 20 + 64 * 1024).toBase64();
  const report = await world.json(200, "POST", PATH, {
    body: { proof, trust, chunk },
  });
  assert.equal(report.answer, "INVALID(chunk)");
});
