import assert from "node:assert/strict";
import { schemasIn, STATUS_CODE_PATTERN } from "./openapi_rules.ts";
import { openWorld } from "./world.ts";

type Responses = Readonly<
  Record<string, { readonly description: string; readonly content: object }>
>;

Deno.test("the API document is OpenAPI 3.1 and holds every operation", async () => {
  await using world = await openWorld();
  const document = await world.json(200, "GET", "/openapi.json", { token: "" });
  assert.equal(document.openapi, "3.1.0");
  assert.equal(document.info.title, "Lucid");
  const { operations } = world.gateway;
  const ids = new Set<string>();
  for (const one of operations) {
    const spec = document.paths[one.path]?.[one.method];
    assert(spec, `${one.method} ${one.path} is not in the document`);
    assert.equal(spec.operationId, one.id);
    ids.add(spec.operationId);
    assert.deepEqual(spec.security, one.public ? [] : [{ token: [] }]);
    assert(spec.summary.length > 3);
    const [tag] = spec.tags;
    assert(document.tags.some(({ name }: { name: string }) => name === tag));

    const inPath = [...one.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (spec.parameters ?? []).filter((
      parameter: { in: string },
    ) => parameter.in === "path");
    assert.deepEqual(
      declared.map((parameter: { name: string }) => parameter.name),
      inPath,
    );
    assert(
      declared.every((parameter: { required: boolean }) => parameter.required),
    );

    const statuses = Object.keys(spec.responses);
    assert(statuses.every((status) => STATUS_CODE_PATTERN.test(status)));
    assert(statuses.some((status) => status.startsWith("2")));
    assert.equal(statuses.includes("401"), one.public !== true);
    for (
      const [status, response] of Object.entries(spec.responses as Responses)
    ) {
      assert(response.description.length > 3);
      const types = Object.keys(response.content);
      assert.equal(
        types.includes("application/problem+json"),
        Number(status) >= 400,
      );
    }
  }
  assert.equal(ids.size, operations.length, "operation ids are unique");
  const described = Object.values<object>(document.paths)
    .flatMap((methods) => Object.keys(methods));
  assert.equal(described.length, operations.length, "and nothing else");
});

Deno.test("the API document's schemas are sound", async () => {
  await using world = await openWorld();
  const document = await world.json(200, "GET", "/openapi.json", { token: "" });
  const schemas = schemasIn(document);
  assert(schemas.length > 50);
  for (const { path, schema } of schemas) {
    const { type, required = [], properties = {}, $ref } = schema;
    if ($ref !== undefined) {
      assert.equal($ref, "#/components/schemas/Problem", path);
      continue;
    }
    const known = [
      "object",
      "array",
      "string",
      "integer",
      "number",
      "boolean",
      undefined,
    ];
    assert(known.includes(type), `${path}: ${type}`);
    for (const name of required) {
      assert(name in properties, `${path} requires ${name} and has none`);
    }
    if (type === "array") assert(schema.items, path);
    if (schema.pattern !== undefined) new RegExp(schema.pattern, "u");
  }
});

Deno.test("query fields that may be left out are not required", async () => {
  await using world = await openWorld();
  const { paths } = await world.json(200, "GET", "/openapi.json", {
    token: "",
  });
  const required = (path: string) =>
    Object.fromEntries(
      paths[path].get.parameters.map((
        one: { name: string; required: boolean },
      ) => [one.name, one.required]),
    );
  assert.deepEqual(required("/api/v1/sessions"), {
    limit: false,
    cursor: false,
    status: false,
  });
  assert.deepEqual(required("/api/v1/sessions/{id}/proof"), {
    id: true,
    chunk: true,
  });
});

Deno.test("/docs is one page that shows every operation and loads nothing from elsewhere", async () => {
  await using world = await openWorld();
  const response = await world.fetch("GET", "/docs", { token: "" });
  const page = await response.text();
  assert.equal(
    response.headers.get("content-type"),
    "text/html; charset=utf-8",
  );
  assert.match(
    response.headers.get("content-security-policy")!,
    /default-src 'none'/,
  );
  for (const { id, path } of world.gateway.operations) {
    assert(page.includes(`<article id="${id}">`), id);
    assert(page.includes(`<code>${path}</code>`), path);
  }
  assert(page.includes('<tr id="LUCID_ERR_4305">'), "problem types lead here");
  assert.doesNotMatch(page, /<script|https?:\/\/|style="|undefined|\[object/);
  const style = await world.fetch("GET", "/docs/style.css", { token: "" });
  assert.equal(style.headers.get("content-type"), "text/css; charset=utf-8");
  assert.doesNotMatch(await style.text(), /url\(|@import/);
});
