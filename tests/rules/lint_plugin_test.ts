/**
 * Planted violations: what the lint plugin must say, and what it must leave alone.
 *
 * @module
 */
import assert from "node:assert/strict";
import plugin from "../../scripts/lint_plugin.ts";

interface Case {
  readonly file: string;
  readonly source: string;
  readonly says: readonly string[];
}

const outside = (other: string, layer: string): string =>
  `Cannot import ${other} in ${layer}: it lies outside its layers`;
const computed = "Cannot import a computed name: layers are not seen";
const runtimePath =
  'Cannot import runtime/ by path: its door is called "@lucid/runtime"';
const impure = (specifier: string, layer: string): string =>
  `Cannot import "${specifier}" in ${layer}: it is kept pure`;
const door = (specifier: string, place: string): string =>
  `Cannot import "${specifier}" here: its door is ${place}`;
const world = (name: string, layer = "chain"): string =>
  `Cannot use ${name} in ${layer}: it lets the world in`;
const chance = (what: string, layer = "chain"): string =>
  `Cannot use ${what} in ${layer}: it lets chance in`;

/** One import, however it is written, of a layer that lies outside. */
const EVERY_FORM: readonly Case[] = [
  `import { serve } from "../gateway/app.ts";`,
  `import "../gateway/app.ts";`,
  `import type { App } from "../gateway/app.ts";`,
  `export { serve } from "../gateway/app.ts";`,
  `export * from "../gateway/app.ts";`,
  `export type { App } from "../gateway/app.ts";`,
  `const app = await import("../gateway/app.ts");`,
  "const app = await import(`../gateway/app.ts`);",
  `type App = import("../gateway/app.ts").App;`,
  `import app = require("../gateway/app.ts");`,
  `new Worker(new URL("../gateway/app.ts", import.meta.url));`,
].map((source) => ({
  file: "recorder/tap.ts",
  source,
  says: [outside("gateway", "recorder")],
}));

const LAYERS: readonly Case[] = [
  [
    "chain/a.ts",
    `import "@lucid/runtime";`,
    outside("runtime", "chain"),
    impure("@lucid/runtime", "chain"),
  ],
  ["chain/a.ts", `import "./b.ts"; import "node:zlib";`],
  [
    "chain/a.ts",
    `import { readFile } from "node:fs";`,
    impure("node:fs", "chain"),
  ],
  ["chain/a.ts", `import "zod";`, impure("zod", "chain")],
  ["runtime/a.ts", `import "../actors/b.ts";`, outside("actors", "runtime")],
  ["runtime/stores/a.ts", `import "../store.ts";`],
  [
    "actors/node/node.ts",
    `import "../../chain/ulid.ts"; import "./protocol.ts";`,
  ],
  [
    "actors/node/node.ts",
    `import "hono/cors";`,
    door("hono/cors", "gateway/"),
    impure("hono/cors", "actors"),
  ],
  [
    "actors/node/node.ts",
    `import "@lucid/runtime/bus/nats";`,
    impure("@lucid/runtime/bus/nats", "actors"),
  ],
  [
    "actors/node/node.ts",
    `import "../../machine/a.ts";`,
    outside("machine", "actors"),
  ],
  [
    "machine/a.ts",
    `import "../actors/rdp/protocol.ts"; import "../actors/fields.ts";`,
  ],
  [
    "machine/a.ts",
    `import "../actors/rdp/rdp.ts";`,
    "Cannot import actors/rdp/rdp.ts in machine: it may know protocols only",
  ],
  [
    "gateway/a.ts",
    `import "../actors/rdp/rdp.ts"; import "hono"; import "../chain/proof.ts";`,
    "Cannot import actors/rdp/rdp.ts in gateway: it may know protocols only",
  ],
  ["gateway/a.ts", `import "../runtime/host.ts";`, runtimePath],
  ["tron/a.ts", `import "../actors/payout/protocol.ts";`],
  [
    "tron/a.ts",
    `import "../actors/session/protocol.ts";`,
    "Cannot import actors/session/protocol.ts in tron: it may know protocols only",
  ],
  [
    "commands/up.ts",
    `import "../tron/main.ts";`,
    "Cannot import tron/: send it a message",
  ],
  [
    "commands/up.ts",
    `import "../gateway/a.ts"; import "../actors/node/node.ts";`,
  ],
  ["main.ts", `await import("./commands/up.ts");`],
  ["main.ts", `import "./gateway/app.ts";`, outside("gateway", "main.ts")],
  [
    "gateway/a.ts",
    `import "../commands/up.ts";`,
    "Cannot import commands/: only main.ts composes",
  ],
  ["gateway/a.ts", `import "../main.ts";`, outside("main.ts", "gateway")],
  ["verify.ts", `import "./chain/proof.ts";`],
  [
    "verify.ts",
    `import "./recorder/tap.ts";`,
    outside("recorder", "verify.ts"),
  ],
  [
    "tests/a_test.ts",
    `import "../tron/main.ts";`,
    "Cannot import tron/: send it a message",
  ],
  ["tests/tron/a_test.ts", `import "../../tron/main.ts";`],
  [
    "tests/a_test.ts",
    `import "fast-check"; import "../runtime/host.ts"; import "cborg";`,
  ],
  ["bench/raw_nats.ts", `import "@nats-io/transport-node";`],
  ["scripts/a.ts", `import "hono";`, door("hono", "gateway/")],
  ["runtime/bus/nats.ts", `import "@nats-io/transport-node";`],
  [
    "runtime/host.ts",
    `import "@nats-io/transport-node";`,
    door("@nats-io/transport-node", "runtime/bus/nats.ts"),
  ],
  ["chain/a.ts", `import "cborg";`, door("cborg", "chain/canonical.ts")],
  ["chain/canonical.ts", `import "cborg";`],
  [
    "recorder/a.ts",
    `import "@noble/curves/ed25519.js";`,
    door("@noble/curves/ed25519.js", "chain/ or gateway/auth/ or tron/"),
  ],
  ["recorder/a.ts", `import "fast-check";`, door("fast-check", "tests/")],
  ["recorder/a.ts", `import "honolulu";`],
  ["recorder/a.ts", `await import("./" + name);`, computed],
  ["recorder/a.ts", `new URL(name, import.meta.url);`, computed],
  ["recorder/a.ts", `new URL("./page.html", import.meta.url);`],
  ["tests/a_test.ts", `await import(name);`],
  [
    "helpers/a.ts",
    `export const a = 1;`,
    "Cannot place helpers: scripts/layers.ts has no such layer",
  ],
].map(([file, source, ...says]) => ({ file: file!, source: source!, says }));

const AMBIENT: readonly Case[] = [
  ["Date.now();", world("Date")],
  ["new Date();", world("Date")],
  ["const { now } = Date;", world("Date")],
  ["const it = { Date };", world("Date")],
  ["const it = { [Date]: 1 };", world("Date")],
  ["const it = x[Date];", world("Date")],
  ["const it = Date as unknown;", world("Date")],
  ["const it = (Date!).now();", world("Date")],
  ["const it = (at = Date.now()) => at;", world("Date")],
  ["declare const Date: never; Date.now();", world("Date"), world("Date")],
  ["{ const Date = 1; } Date.now();", world("Date")],
  ["function f(Date) {} Date.now();", world("Date")],
  ["export { Date };", world("Date")],
  ["globalThis.Date.now();", world("globalThis")],
  ['globalThis["Date"].now();', world("globalThis")],
  ["performance.now();", world("performance")],
  ["setTimeout(f, 1);", world("setTimeout")],
  ["fetch(x);", world("fetch")],
  ["Deno.env.get(x);", world("Deno")],
  ["Temporal.Now.instant();", world("Temporal")],
  ['Function("return Date")();', world("Function")],
  ["crypto.getRandomValues(x);", world("crypto")],
  ["import.meta.url;", world("import.meta")],
  ["Math.random();", chance("random")],
  ['Math["random"]();', chance("random")],
  ["Math[name]();", chance("a computed name of Math")],
  ["const { random } = Math;", chance("Math as a value")],
  ["const m = Math;", chance("Math as a value")],
  ["ed25519.utils.randomSecretKey();", chance("randomSecretKey")],
  [
    `import { randomBytes } from "node:crypto";`,
    chance("node:crypto's randomBytes"),
  ],
  [
    `import { randomUUID as createHash } from "node:crypto";`,
    chance("node:crypto's randomUUID"),
  ],
  [
    `import { webcrypto } from "node:crypto";`,
    chance("node:crypto's webcrypto"),
  ],
  [
    `import * as c from "node:crypto";`,
    chance("node:crypto's whole module"),
  ],
  [
    `import c from "node:crypto";`,
    chance("node:crypto's whole module"),
  ],
  [`export * from "node:crypto";`, chance("node:crypto's whole module")],
  [
    `export { randomInt } from "node:crypto";`,
    chance("node:crypto's randomInt"),
  ],
  [
    `import { randomBytes } from "@noble/hashes/utils.js";`,
    chance("randomBytes"),
  ],
  // What looks alike and is harmless.
  [`import { createHash, type Hash } from "node:crypto"; createHash(x);`],
  [`import type { webcrypto } from "node:crypto";`],
  ["Math.max(1, 2); Math.floor(x);"],
  ["const Date = 1; Date + 1;"],
  ["function f(Date) { return () => Date; }"],
  ["const f = ({ fetch, a: process = 1 }, ...[Deno]) => fetch + process + Deno;"],
  ["for (const self of []) self;"],
  ["try {} catch (Worker) { Worker; }"],
  [`import { Date } from "./date.ts"; Date;`],
  [`import { Date as when } from "./date.ts";`],
  [`export { when as Date } from "./date.ts"; export { Date } from "./date.ts";`],
  ["x.Date; x?.fetch(); const y = { Date: 1, fetch() {}, process: x.process };"],
  ["class A { Date = 1; fetch() {} get self() { return this.Date; } }"],
  ["interface I { Date: string; fetch(): void } type T = { performance: 1 };"],
  ["type F = (fetch: number) => Date; enum E { Date }"],
  ["Date: for (;;) break Date;"],
  ["function F() { return new.target; }"],
  ["// Date.now() is not for us\nconst a = 'Date.now()';"],
].map(([source, ...says]) => ({ file: "chain/a.ts", source: source!, says }));

const ELSEWHERE: readonly Case[] = [
  {
    file: "actors/a/a.ts",
    source: "Date.now();",
    says: [world("Date", "actors")],
  },
  { file: "recorder/a.ts", source: "Date.now(); Math.random();", says: [] },
];

const money = (word: string): string =>
  `Cannot name "${word}" here: the chain knows no payments`;

const MONEY: readonly Case[] = [
  ["chain/a.ts", `x("tronweb");`, money("tron")],
  ["chain/a.ts", "new TronWeb();", money("Tron")],
  ["chain/a.ts", "pay_tron();", money("pay"), money("tron")],
  ["chain/a.ts", "payTron();", money("pay"), money("Tron")],
  ["chain/a.ts", "// TRON_NETWORK", money("TRON")],
  ["chain/a.ts", "// in USDT or TRX", money("USDT"), money("TRX")],
  ["chain/a.ts", "interface Payout {}", money("Payout")],
  ["chain/a.ts", "const paymentId = 1;", money("payment")],
  ["actors/round/round.ts", "// payouts", money("payout")],
  [
    "chain/a.ts",
    "// strong electron, Electron, neutron, patron, payload, Payload, repay",
  ],
  ["actors/session/session.ts", "// payout in USDT"],
].map(([file, source, ...says]) => ({ file: file!, source: source!, says }));

for (
  const { file, source, says } of [
    ...EVERY_FORM,
    ...LAYERS,
    ...AMBIENT,
    ...ELSEWHERE,
    ...MONEY,
  ]
) {
  const outcome = says.length === 0 ? "passes" : "is refused";
  Deno.test(`lint: in ${file} ${outcome}: ${source}`, () => {
    const found = Deno.lint.runPlugin(plugin, file, source);
    assert.deepEqual(
      found.map(({ message }) => message).sort(),
      says.toSorted(),
    );
  });
}
