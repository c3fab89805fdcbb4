/**
 * The layers hold for everything that Deno would load, and the check that says so sees what is
 * planted against it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { DOORS, EVERYWHERE, layerOf } from "../../scripts/layers.ts";
import config from "../../deno.json" with { type: "json" };
import { graphComplaints, reach, readGraph, sources } from "./graph.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("isolation: no import of the project crosses its layers", async () => {
  assert.deepEqual(await graphComplaints(ROOT), []);
});

Deno.test("isolation: verify.ts reaches chain/ and nothing else of ours", async () => {
  const edges = await readGraph(ROOT, ["verify.ts"]);
  const reached = [...reach(edges, ["verify.ts"])];
  const ours = reached.filter((name) => !/^[a-z]+:/.test(name)).map(layerOf);
  assert.deepEqual(new Set(ours), new Set(["verify.ts", "chain"]));
  const packages = reached.filter((name) => name.startsWith("npm:"));
  const strangers = packages.filter((n) => !/^npm:\/?(cborg|@noble\/)/.test(n));
  assert.deepEqual(strangers, []);
});

Deno.test("isolation: every package of the import map has a door", () => {
  const names = Object.keys(config.imports);
  const doorless = names.filter((name) =>
    !EVERYWHERE.includes(name) &&
    !Object.keys(DOORS).some((door) =>
      name === door || door.endsWith("/") && name.startsWith(door)
    )
  );
  assert.deepEqual(doorless, []);
});

/** Files of a small project, and what the graph check must say about it. */
const PLANTED: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly says: readonly string[];
}[] = [
  {
    name: "a clean project",
    files: {
      "verify.ts": `import "./chain/a.ts";`,
      "chain/a.ts": `import "node:zlib";`,
      "gateway/a.ts": `import "../actors/rdp/protocol.ts";`,
      "actors/rdp/protocol.ts": `import "@lucid/runtime";`,
      "runtime/mod.ts": "",
    },
    says: [],
  },
  {
    name: "an upward import",
    files: {
      "chain/a.ts": `export type { A } from "../gateway/a.ts";`,
      "gateway/a.ts": "export type A = 1;",
    },
    says: [
      "chain/a.ts: Cannot import gateway in chain: it lies outside its layers",
    ],
  },
  {
    name: "a behavior behind a protocol",
    files: {
      "gateway/a.ts": `import "../actors/rdp/protocol.ts";`,
      "actors/rdp/protocol.ts": `import "./rdp.ts";`,
      "actors/rdp/rdp.ts": "",
    },
    says: [
      "gateway: Cannot reach actors/rdp/rdp.ts: it may know protocols only",
    ],
  },
  {
    name: "tron behind a name of the import map",
    files: {
      "commands/up.ts": `await import("helper");`,
      "tron/main.ts": "",
    },
    says: [
      "commands/up.ts: Cannot import tron/: send it a message",
      "commands: Cannot reach tron/main.ts: it is kept apart",
    ],
  },
  {
    name: "a package past its door",
    files: { "recorder/a.ts": `import type {} from "hono";` },
    says: [
      `recorder/a.ts: Cannot import "hono" here: its door is gateway/`,
    ],
  },
  {
    name: "the world in a pure folder",
    files: { "actors/a/a.ts": `import "node:fs";` },
    says: [`actors/a/a.ts: Cannot import "node:fs" in actors: it is kept pure`],
  },
];

for (const { name, files, says } of PLANTED) {
  Deno.test(`isolation: the graph check sees ${name}`, async () => {
    await inProject(files, async (root) => {
      assert.deepEqual(await sources(root), Object.keys(files).sort());
      assert.deepEqual(await graphComplaints(root), says.toSorted());
    });
  });
}

Deno.test("isolation: a graph with a hole is an error", async () => {
  await inProject({ "chain/a.ts": `import "./gone.ts";` }, async (root) => {
    await assert.rejects(
      graphComplaints(root),
      /^Error: Cannot read chain\/gone.ts/,
    );
  });
});

/** Run `use` in a project of these files only. */
async function inProject(
  files: Readonly<Record<string, string>>,
  use: (root: string) => Promise<void>,
): Promise<void> {
  const root = `${await Deno.realPath(await Deno.makeTempDir())}/`;
  try {
    const imports = {
      "@lucid/runtime": "./runtime/mod.ts",
      "helper": "./tron/main.ts",
      // Its name is what is judged, so no registry is asked for it.
      "hono": "data:text/javascript,",
    };
    await Deno.writeTextFile(`${root}deno.json`, JSON.stringify({ imports }));
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(dirname(root + path), { recursive: true });
      await Deno.writeTextFile(root + path, text);
    }
    await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
