/**
 * Who may import whom, and which place owns which package: one table, and the one function that
 * judges an import by it. The lint plugin asks it about each file, the graph test about everything
 * that Deno would really load.
 *
 * @module
 */

/** Layer (a folder, or a file at the top) to the other layers it may import. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  chain: [],
  runtime: [],
  recorder: ["chain", "runtime"],
  actors: ["chain", "runtime"],
  machine: ["actors", "chain", "recorder", "runtime"],
  gateway: ["actors", "chain", "recorder", "runtime"],
  tron: ["actors", "runtime"],
  commands: [
    "actors",
    "chain",
    "gateway",
    "machine",
    "recorder",
    "runtime",
    "verify.ts",
  ],
  "main.ts": ["commands", "runtime"],
  "verify.ts": ["chain"],
};

/** Folders that look at the system from outside: they may import every layer but those kept apart. */
export const OUTSIDE: readonly string[] = ["bench", "scripts", "tests"];

/** Layers kept apart: who may import them, and what everybody else does instead. */
const APART: Readonly<Record<string, { by: RegExp; instead: string }>> = {
  tron: { by: /^tests\/tron\//, instead: "send it a message" },
  commands: {
    by: /^(main\.ts$|scripts\/|tests\/)/,
    instead: "only main.ts composes",
  },
};

/** Layer to what it may know of actors/: what can be said to them, never what they do. */
export const PROTOCOLS: Readonly<Record<string, RegExp>> = {
  machine: /^actors\/([a-z_]+\/protocol|[a-z_]+)\.ts$/,
  gateway: /^actors\/([a-z_]+\/protocol|[a-z_]+)\.ts$/,
  tron: /^actors\/(payout\/protocol|[a-z_]+)\.ts$/,
};

/** Package (or scope, ending in a slash) to the places that may import it. */
export const DOORS: Readonly<Record<string, readonly string[]>> = {
  "@nats-io/": ["runtime/bus/nats.ts"],
  "@noble/": ["chain/", "gateway/auth/", "tron/"],
  "cborg": ["chain/canonical.ts"],
  "fast-check": ["tests/"],
  "hono": ["gateway/"],
};

/** They hold a package against our use of it, so every door is open to them. */
const OPPONENTS: readonly string[] = ["bench/", "tests/"];

/** Packages that every layer may import, unless it is pure and does not list them. */
export const EVERYWHERE: readonly string[] = ["zod"];

/** Folders whose functions depend on their arguments alone, and what they may import besides files of ours. */
export const PURE: Readonly<Record<string, readonly string[]>> = {
  actors: ["@lucid/runtime", "node:assert/strict", "node:crypto", "zod"],
  chain: ["@noble/", "cborg", "node:assert/strict", "node:crypto", "node:zlib"],
};

/** Of node:crypto, a pure folder takes only what answers the same to the same arguments. */
export const PURE_CRYPTO: readonly string[] = [
  "createDecipheriv",
  "createHash",
  "createHmac",
  "createPrivateKey",
  "createPublicKey",
  "hash",
  "hkdfSync",
  "sign",
  "timingSafeEqual",
  "verify",
];

const WORLD = "the world's answer, passed in as an argument";

/** Globals that let time, chance or the world into a pure folder, and what to use in their place. */
export const AMBIENT: Readonly<Record<string, string>> = {
  AbortSignal: "no waiting: pure functions answer at once",
  BroadcastChannel: "`then: tell`",
  Date: "a time passed in (`context.now`)",
  Deno: WORLD,
  EventSource: WORLD,
  FinalizationRegistry: "nothing: when memory is freed is chance",
  Function: "a function written out",
  Intl: "the caller's formatting: its answers hang on time and place",
  Temporal: "a time passed in (`context.now`)",
  WeakRef: "nothing: when memory is freed is chance",
  WebSocket: WORLD,
  Worker: "a worker outside, which calls this function",
  caches: WORLD,
  crypto: "an id passed in (`context.newId()`), or node:crypto's hashes",
  fetch: "`then: perform`",
  global: "an argument",
  globalThis: "an argument",
  localStorage: WORLD,
  navigator: WORLD,
  performance: "a time passed in (`context.now`)",
  process: WORLD,
  queueMicrotask: "nothing: decisions are synchronous",
  require: "an import",
  self: "an argument",
  sessionStorage: WORLD,
  setImmediate: "nothing: decisions are synchronous",
  setInterval: "`then: remind`",
  setTimeout: "`then: remind`",
};

/** Folders that must not even name payments: the chain knows work, not money. */
export const MONEYLESS: readonly string[] = ["chain/", "actors/round/"];

/** TRON and payments as words of their own or parts of a name, but not `electron`, `patron` or `payload`. */
export const MONEY =
  /TRON|Tron(?=[A-Z_\W]|$)|(?<![A-Za-z])tron|USDT|TRX|(?<![a-z])[Pp]ay(?:ment|out|roll|(?=[A-Z_\W]|$))/g;

/**
 * The first part of a path from the repository's root: a folder, or a file at the top.
 *
 * @param path For example `actors/session/session.ts`.
 */
export function layerOf(path: string): string {
  return path.split("/", 1)[0]!;
}

/**
 * What is wrong with one import, as sentences; none where nothing is.
 *
 * @param from The importing file, from the repository's root.
 * @param specifier As written there: relative, `@lucid/…`, `node:…` or a package's name.
 */
export function complaints(from: string, specifier: string): string[] {
  const to = ours(from, specifier);
  if (to === undefined) return packageComplaints(from, specifier);
  const said: string[] = [];
  const [layer, other] = [layerOf(from), layerOf(to)];
  if (layer === other) return said;
  const apart = APART[other];
  if (apart !== undefined && !apart.by.test(from)) {
    said.push(`Cannot import ${other}/: ${apart.instead}`);
  } else if (LAYERS[layer]?.includes(other) === false) {
    said.push(`Cannot import ${other} in ${layer}: it lies outside its layers`);
  } else if (other === "actors" && PROTOCOLS[layer]?.test(to) === false) {
    said.push(`Cannot import ${to} in ${layer}: it may know protocols only`);
  }
  if (other === "runtime" && layer in LAYERS && specifier.startsWith(".")) {
    said.push(
      'Cannot import runtime/ by path: its door is called "@lucid/runtime"',
    );
  }
  return specifier.startsWith(".")
    ? said
    : [...said, ...pureComplaints(layer, specifier)];
}

/** The file of ours that `specifier` names in `from`, or undefined where it names a package. */
function ours(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) {
    return new URL(specifier, `file:///${from}`).pathname.slice(1);
  }
  if (specifier === "@lucid/runtime") return "runtime/mod.ts";
  return specifier.startsWith("@lucid/")
    ? specifier.slice("@lucid/".length)
    : undefined;
}

function packageComplaints(from: string, specifier: string): string[] {
  const layer = layerOf(from);
  const said: string[] = [];
  for (const [name, doors] of Object.entries(DOORS)) {
    const inside = name.endsWith("/") ? name : `${name}/`;
    if (specifier !== name && !specifier.startsWith(inside)) continue;
    const open = [...doors, ...OPPONENTS];
    if (open.some((door) => from.startsWith(door))) continue;
    said.push(
      `Cannot import "${specifier}" here: its door is ${doors.join(" or ")}`,
    );
  }
  return [...said, ...pureComplaints(layer, specifier)];
}

function pureComplaints(layer: string, specifier: string): string[] {
  const allowed = PURE[layer];
  if (allowed === undefined || allowed.some(matches)) return [];
  return [`Cannot import "${specifier}" in ${layer}: it is kept pure`];

  function matches(name: string): boolean {
    return name.endsWith("/") ? specifier.startsWith(name) : specifier === name;
  }
}
