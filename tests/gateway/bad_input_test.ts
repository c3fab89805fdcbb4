import assert from "node:assert/strict";
import { LucidError } from "@lucid/runtime";
import { manualClock, silentLog } from "@lucid/runtime/testing";
import { readBody } from "../../gateway/body.ts";
import { type Asked, HOST, NOBODYS_ID, openWorld } from "./world.ts";

const PATH = "/api/v1/sessions";
const NOBODYS = `${PATH}/${NOBODYS_ID}`;
const DESKTOP = { kind: "desktop" };
const MIB = 1024 * 1024;

/** What is asked, and the status and number that it must be answered with. */
type Case = readonly [
  what: string,
  method: string,
  path: string,
  asked: Asked,
  status: number,
  code: number,
];

const create = (body: unknown): Asked => ({ body });

const CASES: readonly Case[] = [
  ["no source", "POST", PATH, create({}), 400, 1002],
  ["a body that is a list", "POST", PATH, create([]), 400, 1001],
  ["a body that is null", "POST", PATH, create("null"), 400, 1001],
  [
    "an unknown kind",
    "POST",
    PATH,
    create({ source: { kind: "x" } }),
    400,
    1001,
  ],
  [
    "an unknown field",
    "POST",
    PATH,
    create({ source: DESKTOP, nme: "x" }),
    400,
    1001,
  ],
  [
    "an unknown inner field",
    "POST",
    PATH,
    create({ source: { ...DESKTOP, depth: 24 } }),
    400,
    1001,
  ],
  [
    "a prototype's field",
    "POST",
    PATH,
    create('{"source":{"kind":"desktop"},"__proto__":{"mode":"x"}}'),
    400,
    1001,
  ],
  [
    "a wrong type",
    "POST",
    PATH,
    create({ source: DESKTOP, name: 7 }),
    400,
    1001,
  ],
  ["a null", "POST", PATH, create({ source: DESKTOP, mode: null }), 400, 1001],
  [
    "an empty name",
    "POST",
    PATH,
    create({ source: DESKTOP, name: "" }),
    400,
    1004,
  ],
  [
    "a huge name",
    "POST",
    PATH,
    create({ source: DESKTOP, name: "x".repeat(256) }),
    400,
    1004,
  ],
  [
    "a negative width",
    "POST",
    PATH,
    create({ source: { ...DESKTOP, width: -1 } }),
    400,
    1004,
  ],
  [
    "a huge height",
    "POST",
    PATH,
    create({ source: { ...DESKTOP, height: 1e300 } }),
    400,
    1004,
  ],
  [
    "half a millisecond",
    "POST",
    PATH,
    create({ source: DESKTOP, chunk_ms: 1_000.5 }),
    400,
    1001,
  ],
  [
    "a duration of two days",
    "POST",
    PATH,
    create({ source: DESKTOP, max_duration_ms: 2 * 86_400_000 }),
    400,
    1004,
  ],
  ["no JSON", "POST", PATH, create("{"), 400, 1009],
  ["deep JSON", "POST", PATH, create("[".repeat(100_000)), 400, 1009],
  ["no body", "POST", PATH, {}, 415, 1011],
  [
    "a form",
    "POST",
    PATH,
    {
      body: "a=b",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    },
    415,
    1011,
  ],
  ["a body over 1 MiB", "POST", PATH, create(" ".repeat(MIB + 1)), 413, 1010],
  [
    "a key with a space",
    "POST",
    PATH,
    { ...create({ source: DESKTOP }), headers: { "idempotency-key": "a b" } },
    400,
    1003,
  ],
  ["a limit of 0", "GET", `${PATH}?limit=0`, {}, 400, 1004],
  ["a limit of 101", "GET", `${PATH}?limit=101`, {}, 400, 1004],
  ["a limit in words", "GET", `${PATH}?limit=ten`, {}, 400, 1003],
  ["two limits", "GET", `${PATH}?limit=1&limit=2`, {}, 400, 1001],
  ["an unknown filter", "GET", `${PATH}?owner=me`, {}, 400, 1001],
  ["a status that is none", "GET", `${PATH}?status=absent`, {}, 400, 1001],
  ["a made-up cursor", "GET", `${PATH}?cursor=xyz`, {}, 400, 1001],
  ["an id that is none", "GET", `${PATH}/1`, {}, 400, 1003],
  ["an id in lower case", "GET", NOBODYS.toLowerCase(), {}, 400, 1003],
  ["an unknown session", "GET", NOBODYS, {}, 404, 4301],
  ["starting what is not", "POST", `${NOBODYS}/start`, {}, 404, 4301],
  ["stopping what is not", "POST", `${NOBODYS}/stop`, {}, 404, 4301],
  ["deleting what is not", "DELETE", NOBODYS, {}, 404, 4301],
  ["following what is not", "GET", `${NOBODYS}/events`, {}, 404, 4301],
  ["chunks of nothing", "GET", `${NOBODYS}/chunks`, {}, 404, 4301],
  ["a chunk of nothing", "GET", `${NOBODYS}/chunks/0`, {}, 404, 4301],
  ["disclosing nothing", "POST", `${NOBODYS}/chunks/0/disclose`, {}, 404, 4301],
  ["a manifest of nothing", "GET", `${NOBODYS}/manifest`, {}, 404, 4301],
  ["a proof of nothing", "GET", `${NOBODYS}/proof?chunk=0`, {}, 404, 4301],
  ["a recording of nothing", "GET", `${NOBODYS}/recording`, {}, 404, 4301],
  [
    "a start that says more",
    "POST",
    `${NOBODYS}/start`,
    { body: { at: 1 } },
    400,
    1001,
  ],
  ["a negative chunk", "GET", `${NOBODYS}/chunks/-1`, {}, 400, 1003],
  ["a chunk beyond all", "GET", `${NOBODYS}/chunks/1000000`, {}, 400, 1004],
  [
    "a chunk of many digits",
    "GET",
    `${NOBODYS}/chunks/${"9".repeat(99)}`,
    {},
    400,
    1003,
  ],
  ["an unknown form", "GET", `${NOBODYS}/chunks/0?form=raw`, {}, 400, 1001],
  ["a proof of no chunk", "GET", `${NOBODYS}/proof`, {}, 400, 1002],
  ["a block that is none", "GET", "/api/v1/chain/blocks/99", {}, 404, 4101],
  ["a block by half an id", "GET", "/api/v1/chain/blocks/ab", {}, 400, 1003],
  ["a negative block", "GET", "/api/v1/chain/blocks/-1", {}, 400, 1003],
  [
    "blocks from minus one",
    "GET",
    "/api/v1/chain/blocks?cursor=-1",
    {},
    400,
    1003,
  ],
  ["info with a query", "GET", "/api/v1/chain/info?x=1", {}, 400, 1001],
  [
    "an entry that is none",
    "GET",
    `/api/v1/chain/transactions/${"0".repeat(64)}`,
    {},
    404,
    4201,
  ],
  [
    "an entry by a bad id",
    "GET",
    "/api/v1/chain/transactions/x",
    {},
    400,
    1003,
  ],
  ["nothing", "GET", "/api/v1/nothing", {}, 404, 4001],
  ["the root", "GET", "/", {}, 404, 4001],
  ["a trailing slash", "GET", `${PATH}/`, {}, 404, 4001],
  ["a wrong method", "PUT", PATH, {}, 405, 4003],
  ["posting health", "POST", "/health", {}, 405, 4003],
  ["no token", "GET", PATH, { token: "" }, 401, 2001],
  ["no token for nothing", "GET", "/nothing", { token: "" }, 401, 2001],
  ["a wrong token", "GET", PATH, { token: "wrong" }, 401, 2003],
  ["a huge token", "GET", PATH, { token: "x".repeat(10_000) }, 401, 2003],
  [
    "another scheme",
    "GET",
    PATH,
    { headers: { authorization: "Basic eDp5" } },
    401,
    2001,
  ],
  [
    "a foreign host",
    "GET",
    PATH,
    { headers: { host: "evil.example" } },
    421,
    1012,
  ],
  [
    "a foreign host for health",
    "GET",
    "/health",
    { headers: { host: "evil.example" } },
    421,
    1012,
  ],
  [
    "another port",
    "GET",
    PATH,
    { headers: { host: "127.0.0.1:1" } },
    421,
    1012,
  ],
  [
    "a foreign page",
    "GET",
    PATH,
    { headers: { origin: "http://evil.example" } },
    403,
    2011,
  ],
  [
    "a page from a file",
    "GET",
    PATH,
    { headers: { origin: "null" } },
    403,
    2011,
  ],
];

Deno.test("bad input is answered with a code and a sentence", async (t) => {
  await using world = await openWorld();
  for (const [what, method, path, asked, status, code] of CASES) {
    await t.step(what, async () => {
      const response = await world.fetch(method, path, asked);
      const problem = await response.json();
      assert.equal(response.status, status, JSON.stringify(problem));
      assert.equal(problem.code, `LUCID_ERR_${code}`, problem.detail);
      assert.equal(problem.status, status);
      assert.match(problem.detail, /^Cannot [^\n]{3,}: [^\n]{3,}$/);
      assert(problem.detail.length < 1_000, "no caller's megabyte comes back");
      assert.equal(
        problem.request_id,
        response.headers.get("x-request-id"),
      );
      assert.equal(
        response.headers.get("content-type"),
        "application/problem+json",
      );
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    });
  }
  const { items } = await world.json(200, "GET", PATH);
  assert.deepEqual(items, [], "and nothing came of any of it");
});

Deno.test("each wrong field is named", async () => {
  await using world = await openWorld();
  const { errors, detail } = await world.json(400, "POST", PATH, {
    body: { source: { kind: "desktop", width: 1 }, mode: "lax", chunk_ms: "x" },
  });
  assert.deepEqual(errors, [
    { path: "source.width", message: "is less than 320" },
    { path: "mode", message: "is not strict or lenient" },
    { path: "chunk_ms", message: "is not a number" },
  ]);
  assert.equal(detail, "Cannot read the body: source.width is less than 320");
});

Deno.test("a command in the wrong state is a conflict", async () => {
  await using world = await openWorld();
  const id = await world.created();
  const one = `${PATH}/${id}`;
  const refused = async (method: string, path: string, code: number) => {
    const problem = await world.json(409, method, `${one}${path}`);
    assert.equal(problem.code, `LUCID_ERR_${code}`);
  };
  await refused("POST", "/stop", 4305);
  await world.json(200, "POST", `${one}/start`);
  await refused("POST", "/start", 4304);
  await refused("DELETE", "", 4306);
  const problem = await world.json(404, "GET", `${one}/chunks/0`);
  assert.equal(problem.code, "LUCID_ERR_4308");
});

Deno.test("a wrong method says which are right", async () => {
  await using world = await openWorld();
  const put = await world.fetch("PUT", PATH);
  assert.equal(put.status, 405);
  assert.equal(put.headers.get("allow"), "POST, GET, HEAD, OPTIONS");
  const options = await world.fetch("OPTIONS", `${NOBODYS}/start`);
  assert.equal(options.status, 204);
  assert.equal(options.headers.get("allow"), "POST, OPTIONS");
  const head = await world.fetch("HEAD", PATH);
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  const headOfStream = await world.fetch(
    "HEAD",
    `${PATH}/${await world.created()}/events`,
  );
  assert.equal(headOfStream.headers.get("content-type"), "text/event-stream");
});

Deno.test("a page of ours may ask", async () => {
  await using world = await openWorld();
  const headers = { origin: `http://${HOST}` };
  await world.json(200, "GET", PATH, { headers });
});

Deno.test("a failure of ours is a 500 that tells the log, not the caller", async () => {
  const said: unknown[] = [];
  await using world = await openWorld({
    ports: {
      chain: {
        info: () => Promise.reject(new TypeError("secret inner words")),
      } as never,
      log: {
        ...silentLog,
        error: (phrase, fields) => said.push([phrase, fields]),
      },
    },
  });
  const problem = await world.json(500, "GET", "/api/v1/chain/info");
  assert.equal(problem.code, "LUCID_ERR_5001");
  assert.doesNotMatch(JSON.stringify(problem), /secret/);
  assert.match(Deno.inspect(said, { depth: 5 }), /secret inner words/);
  assert.match(Deno.inspect(said), new RegExp(problem.request_id));
});

Deno.test("what is down is a 503 that says when to come again", async () => {
  await using world = await openWorld({
    ports: {
      chain: {
        info: () =>
          Promise.reject(
            new LucidError(
              "chain/unavailable",
              "unavailable",
              "Cannot read the chain: its files are being opened",
            ),
          ),
      } as never,
    },
  });
  const response = await world.fetch("GET", "/api/v1/chain/info");
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "1");
  assert.equal((await response.json()).code, "LUCID_ERR_4009");
  const health = await world.json(200, "GET", "/health", { token: "" });
  assert.equal(health.status, "degraded");
  assert.deepEqual(health.dependencies, {
    store: "up",
    node: "up",
    chain: "down",
  });
});

Deno.test("a body that does not come is given up", async () => {
  const clock = manualClock();
  const request = new Request(`http://${HOST}/`, {
    method: "POST",
    body: new ReadableStream({}),
  });
  const reading = readBody({ request, after: clock.after }, MIB, {
    required: true,
  });
  const refused = assert.rejects(
    reading,
    (error) => error instanceof LucidError && error.code === "request/slow",
  );
  await clock.advance(60_000);
  await refused;
});

Deno.test("a body without a length is read up to the limit and no further", async () => {
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent += 1024;
      controller.enqueue(new Uint8Array(1024));
    },
  });
  const request = new Request(`http://${HOST}/`, { method: "POST", body });
  const { after } = manualClock();
  await assert.rejects(
    readBody({ request, after }, 10_000, { required: true }),
    (error) =>
      error instanceof LucidError && error.code === "request/too-large",
  );
  assert(sent < 20_000);
});

Deno.test("a body that says it is too long is not read at all", async () => {
  let pulls = 0;
  const body = new ReadableStream({ pull: () => void pulls++ }, {
    highWaterMark: 0,
  });
  const request = new Request(`http://${HOST}/`, {
    method: "POST",
    body,
    headers: { "content-length": "10001" },
  });
  const { after } = manualClock();
  await assert.rejects(
    readBody({ request, after }, 10_000, { required: true }),
    (error) =>
      error instanceof LucidError && error.code === "request/too-large",
  );
  assert.equal(pulls, 0);
});
