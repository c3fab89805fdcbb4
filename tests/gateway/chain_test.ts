import assert from "node:assert/strict";
import { ANCHOR, ANCHOR_ID, testChain, WAITING_ID } from "./chain_double.ts";
import { openWorld } from "./world.ts";

const PATH = "/api/v1/chain";

Deno.test("the chain shows where it stands", async () => {
  await using world = await openWorld();
  const info = await world.json(200, "GET", `${PATH}/info`);
  assert.equal(info.height, 2);
  assert.equal(info.network, "test");
  const trust = await world.json(200, "GET", `${PATH}/trust`);
  assert.equal(trust.format, "lucid-trust/1");
});

Deno.test("blocks come in pages down to the genesis", async () => {
  await using world = await openWorld();
  const first = await world.json(200, "GET", `${PATH}/blocks?limit=2`);
  assert.deepEqual(
    first.items.map((one: { height: number }) => one.height),
    [2, 1],
  );
  assert.equal(first.next_cursor, "0");
  const last = await world.json(200, "GET", `${PATH}/blocks?cursor=0`);
  assert.deepEqual(last.items.map((one: object) => Object.keys(one)), [
    ["height", "block_id", "first_index", "entry_count"],
  ]);
  assert.equal(last.next_cursor, undefined);
  const beyond = await world.json(200, "GET", `${PATH}/blocks?cursor=999`);
  assert.equal(beyond.items.length, 3);
  assert.equal(beyond.next_cursor, undefined);
});

Deno.test("a block is read by its height or its id", async () => {
  await using world = await openWorld();
  const byHeight = await world.json(200, "GET", `${PATH}/blocks/2`);
  const byId = await world.json(
    200,
    "GET",
    `${PATH}/blocks/${byHeight.block_id}`,
  );
  assert.deepEqual(byId, byHeight);
  assert.equal(byHeight.header.height, 2);
  assert.equal(byHeight.entry_count, 3);
  assert.deepEqual(
    byHeight.entries.map((one: { type: string }) => one.type),
    ["commit", "final", "header"],
  );
  const genesis = await world.json(200, "GET", `${PATH}/blocks/0`);
  assert.equal(genesis.entries[0].type, "genesis");
});

Deno.test("an entry is shown with names, and with the bytes they stand for", async () => {
  await using world = await openWorld();
  const entry = await world.json(
    200,
    "GET",
    `${PATH}/transactions/${ANCHOR_ID}`,
  );
  assert.equal(entry.status, "decided");
  assert.equal(entry.height, 2);
  assert.equal(entry.type, "final");
  assert.equal(entry.body.session_id, "01JD0000000000000000000000");
  assert.equal(entry.body.leaf_count, 3);
  assert.equal(entry.body.root, "07".repeat(32));
  assert.equal(entry.bytes, ANCHOR.toBase64());
  const waiting = await world.json(
    200,
    "GET",
    `${PATH}/transactions/${WAITING_ID}`,
  );
  assert.equal(waiting.status, "pending");
  assert.equal("height" in waiting, false);
});

Deno.test("an empty chain has no page after the first", async () => {
  const chain = testChain();
  await using world = await openWorld({
    ports: { chain: { ...chain, blocks: () => Promise.resolve([]) } },
  });
  assert.deepEqual(await world.json(200, "GET", `${PATH}/blocks`), {
    items: [],
  });
});

Deno.test("a chain that waits says so, and health says that it is not well", async () => {
  const chain = testChain();
  const waitingFor = "Cannot make blocks: the clock was set back";
  const info = async () => ({ ...await chain.info(), waitingFor });
  await using world = await openWorld({
    ports: { chain: { ...chain, info } },
  });
  const shown = await world.json(200, "GET", `${PATH}/info`);
  assert.equal(shown.waiting_for, waitingFor);
  const health = await world.json(200, "GET", "/health", { token: "" });
  assert.equal(health.status, "degraded");
  assert.equal(health.dependencies.chain, "waiting");
});

Deno.test("a dependency that does not answer is down after a second", async () => {
  await using world = await openWorld({
    ports: {
      chain: { ...testChain(), info: () => new Promise(() => {}) },
    },
  });
  const asked = world.json(200, "GET", "/health", { token: "" });
  await world.clock.advance(1_000);
  assert.equal((await asked).dependencies.chain, "down");
});
