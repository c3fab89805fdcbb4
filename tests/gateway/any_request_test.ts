import assert from "node:assert/strict";
import fc from "fast-check";
import { type Asked, NOBODYS_ID, openWorld } from "./world.ts";

const word = fc.oneof(
  fc.constantFrom(
    "api",
    "v1",
    "sessions",
    "chunks",
    "chain",
    "blocks",
    "start",
    "events",
    "..",
    "%00",
    "%ZZ",
    "%2f",
    "__proto__",
    "constructor",
    NOBODYS_ID,
  ),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
);
const path = fc.oneof(
  fc.array(word, { maxLength: 6 }).map((words) => `/${words.join("/")}`),
  fc.constantFrom(
    "/api/v1/sessions",
    `/api/v1/sessions/${NOBODYS_ID}/chunks`,
    `/api/v1/sessions/${NOBODYS_ID}/proof`,
    "/api/v1/chain/blocks",
    "/api/v1/chain/verify",
  ),
);
const query = fc.oneof(
  fc.constant(""),
  fc.array(
    fc.tuple(
      fc.constantFrom("limit", "cursor", "status", "form", "chunk", "x"),
      fc.string({ maxLength: 30 }),
    ),
    { maxLength: 3 },
  ).map((pairs) => `?${new URLSearchParams(pairs)}`),
);
const request = fc.record({
  method: fc.constantFrom("GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS"),
  path,
  query,
  body: fc.oneof(
    fc.constant(undefined),
    fc.string(),
    fc.json(),
  ),
  key: fc.option(fc.string({ unit: "grapheme-ascii" }), { nil: undefined }),
});

Deno.test("whatever is asked, nothing breaks and nothing is left unexplained", async () => {
  await using world = await openWorld();
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, query, body, key }) => {
      const asked: Asked = {
        ...(body === undefined || method === "GET" || method === "HEAD"
          ? {}
          : { body }),
        ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
      };
      const response = await world.fetch(method, path + query, asked);
      const text = await response.text();
      assert(response.status < 500, text);
      assert.match(
        response.headers.get("x-request-id") ?? "",
        /^[0-9A-Z]{26}$/,
      );
      if (response.status >= 400 && method !== "HEAD") {
        assert.match(JSON.parse(text).code, /^LUCID_ERR_[1-4]\d{3}$/);
      }
    }),
    { numRuns: 400 },
  );
});

Deno.test("a token store that fails is a 500 like any other", async () => {
  await using world = await openWorld({
    ports: { tokens: { verify: () => Promise.reject(new Error("inner")) } },
  });
  const response = await world.fetch("GET", "/api/v1/sessions");
  assert.equal(response.status, 500);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  const problem = await response.json();
  assert.equal(problem.request_id, response.headers.get("x-request-id"));
  assert.doesNotMatch(JSON.stringify(problem), /inner/);
});
