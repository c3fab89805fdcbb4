import assert from "node:assert/strict";
import { encode, type Value } from "../../chain/canonical.ts";
import { decodeCommit, encodeCommit } from "../../chain/commit.ts";
import { decodeEntry, entryId, signEntry } from "../../chain/entry.ts";
import { FormatError } from "../../chain/error.ts";
import { ExpiringIds } from "../../chain/expiring_ids.ts";
import { decodeGenesis } from "../../chain/genesis.ts";
import { ZERO_HASH } from "../../chain/hash.ts";
import { decodeHeader, encodeHeader } from "../../chain/header.ts";
import type { GapLeaf } from "../../chain/leaf.ts";
import { Ledger } from "../../chain/ledger.ts";
import { encodeFinalAnchor } from "../../chain/final_anchor.ts";
import {
  bytesOf,
  certify,
  finalOf,
  genesisOf,
  node,
  SESSION,
  signerOf,
  T0_MS,
  treeOf,
  World,
} from "./world.ts";

const gapAt = (index: number): GapLeaf => ({
  kind: "gap",
  index,
  startMs: T0_MS + index,
  endMs: T0_MS + index + 1,
  reason: "paused",
});
const LEAVES = Array.from({ length: 9 }, (_, index) => gapAt(index));
const TREE = treeOf(LEAVES);
const row = (leafCount: number, from = 0) => ({
  sessionId: SESSION,
  leafCount,
  root: TREE.root(leafCount),
  path: from === 0 ? new Uint8Array() : TREE.consistency(from, leafCount),
});
const verdict = (world: World, bytes: Uint8Array) =>
  world.ledger.admit(decodeEntry(bytes), { timeMs: T0_MS + 60_000 })?.refused;

Deno.test("ledger: a block holds commit, entries and header, and the root over all before the header", () => {
  const world = new World();
  const one = world.block([world.final({ leaves: LEAVES })]);
  const two = world.block([]);
  assert.deepEqual(one.entries.map((bytes) => decodeEntry(bytes).type), [1, 8]);
  assert.deepEqual(two.entries.map((bytes) => decodeEntry(bytes).type), [7, 8]);
  assert.deepEqual([one.header.firstIndex, one.header.preSize], [1, 2]);
  assert.deepEqual([two.header.firstIndex, two.header.preSize], [3, 4]);
  assert.deepEqual(two.header.preRoot, world.tree.root(4));
  assert.deepEqual(two.header.prevBlockId, one.blockId);
  assert.deepEqual(one.header.prevBlockId, world.ledger.chainId);
  assert.deepEqual(
    decodeCommit(two.entries[0]!).certificate,
    world.blocks[0]!.certificate,
  );
  assert.deepEqual(one.header.stateHash, ZERO_HASH);
});

Deno.test("ledger hashes the state where an epoch closes, open interims in it", () => {
  const state = (
    first: (world: World) => Uint8Array[],
    last = (_: World): Uint8Array[] => [],
  ) => {
    const world = new World();
    world.block(first(world));
    world.block([]);
    world.block([]);
    return world.block(last(world)).header.stateHash.toHex();
  };
  const nothing = state(() => []);
  assert.notEqual(nothing, ZERO_HASH.toHex());
  assert.notEqual(state((world) => [world.interim([row(3)])]), nothing);
  assert.equal(state((world) => [world.final({ leaves: LEAVES })]), nothing);
  const opened = (world: World) => [world.interim([row(3)])];
  assert.notEqual(state(() => [], opened), nothing, "the closing block counts");
});

Deno.test("ledger: interims grow, and the final anchor goes on from the last of them", () => {
  const world = new World();
  world.block([world.interim([row(3)])]);
  assert.equal(verdict(world, world.interim([row(5, 3)])), undefined);
  assert.equal(verdict(world, world.interim([row(3)])), "chain/not-grown");
  assert.equal(verdict(world, world.interim([row(5)])), "chain/not-grown");
  assert.equal(
    verdict(world, world.interim([{ ...row(5, 3), root: bytesOf("other") }])),
    "chain/not-grown",
  );
  assert.equal(
    verdict(world, world.final({ leaves: LEAVES })),
    "chain/wrong-interim",
  );
  const lastInterim = { index: 1, path: TREE.consistency(3) };
  assert.equal(
    verdict(world, world.final({ leaves: LEAVES, lastInterim })),
    undefined,
  );
  assert.equal(
    verdict(
      world,
      world.final({
        leaves: LEAVES,
        lastInterim: { ...lastInterim, index: 2 },
      }),
    ),
    "chain/wrong-interim",
  );
  assert.equal(
    verdict(
      world,
      world.final({
        leaves: LEAVES,
        lastInterim: { index: 1, path: TREE.consistency(4) },
      }),
    ),
    "chain/not-grown",
  );
  world.block([world.final({ leaves: LEAVES, lastInterim })]);
  assert.equal(
    verdict(world, world.interim([row(9, 3)])),
    "chain/already-final",
  );
  assert.equal(
    verdict(world, world.final({ leaves: LEAVES, policyHash: bytesOf("new") })),
    "chain/already-final",
  );
});

Deno.test("ledger: two entries of one block see each other", () => {
  const world = new World();
  const block = world.block([
    world.interim([row(3)]),
    world.interim([row(4, 3)]),
    world.interim([row(4)]),
  ]);
  assert.equal(block.entries.length, 3);
  const other = encodeFinalAnchor(
    finalOf({ leaves: LEAVES }),
    world.terms,
    signerOf("another node"),
  );
  assert.equal(
    verdict(world, other),
    undefined,
    "a session is its recorder's: nobody else's id is taken",
  );
});

Deno.test("ledger refuses what an entry may not be", () => {
  const world = new World();
  const anchor = world.final({ leaves: LEAVES });
  const decided = world.final({
    leaves: LEAVES,
    sessionId: "01KDVCN40000000000000SE552",
  });
  world.block([decided]);
  const at = (terms: Partial<typeof world.terms>, signer = node) =>
    encodeFinalAnchor(
      finalOf({ leaves: LEAVES }),
      { ...world.terms, ...terms },
      signer,
    );
  const forged = anchor.slice();
  forged[forged.length - 40]! ^= 1;
  const typed = (type: number, fields: [number, Value][] = []) =>
    signEntry({ type, ...world.terms, fields }, node);
  const table: [string, Uint8Array, string | undefined][] = [
    ["right", anchor, undefined],
    ["decided", decided, "chain/decided"],
    ["forged", forged, "chain/wrong-signature"],
    [
      "of another chain",
      at({ chainId: bytesOf("other") }),
      "chain/wrong-chain",
    ],
    ["expired", at({ expiryHeight: 1 }), "chain/expired"],
    ["at its last height", at({ expiryHeight: 2 }), undefined],
    ["at the first height", at({ expiryHeight: 2 + 8_640 }), undefined],
    [
      "too far ahead",
      at({ expiryHeight: 3 + 8_640 }),
      "chain/expires-too-late",
    ],
    [
      "ending 5 s from now",
      world.final({ leaves: LEAVES, endedAtMs: T0_MS + 65_000 }),
      undefined,
    ],
    [
      "ending later",
      world.final({ leaves: LEAVES, endedAtMs: T0_MS + 65_001 }),
      "chain/ends-later",
    ],
    ["a genesis", world.genesis, "chain/wrong-type"],
    ["a header", world.blocks[0]!.block.entries.at(-1)!, "chain/wrong-type"],
    ["of a type of later", typed(2), "chain/malformed"],
    ["of an unknown type", typed(23), "chain/malformed"],
    [
      "with an unknown field",
      typed(12, [[10, []], [11, 0]]),
      "chain/malformed",
    ],
    ["without rows", typed(12, [[10, []]]), "chain/malformed"],
    ["too large", typed(12, [[10, new Uint8Array(17_000)]]), "chain/too-large"],
  ];
  for (const [what, bytes, refused] of table) {
    assert.equal(verdict(world, bytes), refused, what);
  }
});

Deno.test("ledger.admit refuses a key with torsion, which signs like any other", () => {
  const key = Uint8Array.fromHex(
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
  );
  const world = new World();
  const signer = { publicKey: key, sign: () => new Uint8Array(64) };
  const entry = encodeFinalAnchor(
    finalOf({ leaves: LEAVES }),
    world.terms,
    signer,
  );
  assert.equal(verdict(world, entry), "chain/weak-key");
});

Deno.test("ledger.check refuses a block in which anything was changed", () => {
  const world = new World();
  world.block([world.interim([row(3)])]);
  const before = world.blocks[0]!.certificate;
  const good = world.ledger.build({
    entries: [decodeEntry(world.interim([row(5, 3)]))],
    timeMs: T0_MS + 20_001,
    certificate: before,
  });
  assert.deepEqual(world.ledger.check(good.entries), good);
  const header = decodeHeader(good.entries.at(-1)!);
  const [commit, entry] = good.entries as [Uint8Array, Uint8Array];
  const withHeader = (
    change: Partial<typeof header>,
  ) => [commit, entry, encodeHeader({ ...header, ...change })];
  const table: [string, readonly Uint8Array[]][] = [
    ["nothing", []],
    ["no commit", good.entries.slice(1)],
    ["no header", good.entries.slice(0, -1)],
    ["an entry less", [commit, good.entries.at(-1)!]],
    ["an entry twice", [commit, entry, entry, good.entries.at(-1)!]],
    ["another chain", withHeader({ chainId: bytesOf("x") })],
    ["another height", withHeader({ height: 3 })],
    ["another slot", withHeader({ slot: 3 })],
    [
      "the time of the slot before",
      withHeader({ slot: 1, timeMs: T0_MS + 19_999 }),
    ],
    ["another time in another slot", withHeader({ timeMs: T0_MS + 30_000 })],
    ["another block before", withHeader({ prevBlockId: bytesOf("x") })],
    ["another first index", withHeader({ firstIndex: 2 })],
    ["another size", withHeader({ preSize: 6 })],
    ["another root", withHeader({ preRoot: bytesOf("x") })],
    ["another set", withHeader({ validatorsHash: bytesOf("x") })],
    ["another next set", withHeader({ nextValidatorsHash: bytesOf("x") })],
    ["another creator", withHeader({ creator: bytesOf("x") })],
    ["another round", withHeader({ originRound: 1 })],
    ["a VRF proof", withHeader({ vrfProof: new Uint8Array(80) })],
    ["another seed", withHeader({ seed: bytesOf("x") })],
    ["another epoch", withHeader({ epoch: 1 })],
    ["a state hash", withHeader({ stateHash: bytesOf("x") })],
    ["other params", withHeader({ paramsHash: bytesOf("x") })],
  ];
  for (const [what, entries] of table) {
    assert.throws(() => world.ledger.check(entries), FormatError, what);
  }
});

Deno.test("ledger: a commit holds any certificate that decides the block before, and no other", () => {
  const world = new World();
  const { chainId } = world.ledger;
  const one = world.block([]);
  const next = (certificate: ReturnType<typeof certify>) =>
    world.ledger.build({ entries: [], timeMs: T0_MS + 20_001, certificate });
  const later = certify(one, chainId, ["one"], 1);
  const block = next(later);
  assert.deepEqual(decodeCommit(block.entries[0]!).certificate, later);
  assert.deepEqual(world.ledger.check(block.entries), block);
  for (
    const wrong of [
      certify(one, chainId, ["two"]),
      certify({ ...one, blockId: bytesOf("x") }, chainId, ["one"]),
      { ...later, round: 2 },
      { ...later, signatures: [] },
    ]
  ) {
    assert.throws(() => next(wrong), FormatError);
    const commit = encodeCommit(wrong);
    assert.throws(
      () => world.ledger.check([commit, ...block.entries.slice(1)]),
      FormatError,
    );
  }
});

Deno.test("ledger.apply takes a block only with a certificate of its validator for it", () => {
  const world = new World();
  const { chainId } = world.ledger;
  const block = world.ledger.build({
    entries: [],
    timeMs: T0_MS + 10_000,
    certificate: undefined,
  });
  const right = certify(block, chainId, ["one"]);
  const wrong = [
    certify(block, chainId, ["two"]),
    certify(block, bytesOf("other chain"), ["one"]),
    { ...right, height: 2 },
    { ...right, round: 1 },
    { ...right, blockId: bytesOf("x") },
    { ...right, signatures: [] },
    { ...right, signatures: [{ ...right.signatures[0]!, index: 1 }] },
    {
      ...right,
      signatures: [...right.signatures, {
        index: 1,
        signature: new Uint8Array(64),
      }],
    },
  ];
  for (const certificate of wrong) {
    assert.throws(() => world.ledger.apply(block, certificate), FormatError);
  }
  world.ledger.apply(block, right);
  assert.equal(world.ledger.height, 1);
});

Deno.test("expiringIds keep an id until its height, and forget it there", () => {
  const ids = new ExpiringIds();
  ids.add("a", { expiryHeight: 2 });
  ids.add("b", { expiryHeight: 3 });
  const known = () => ["a", "b"].filter((id) => ids.has(id));
  ids.expire(1);
  assert.deepEqual(known(), ["a", "b"]);
  ids.expire(2);
  assert.deepEqual(known(), ["b"]);
  ids.expire(3);
  assert.deepEqual(known(), []);
});

Deno.test("ledger leaves out what has no room, and forgets an id once it has expired", () => {
  const world = new World();
  const entries = Array.from(
    { length: 2_000 },
    (_, at) =>
      world.interim([{
        ...row(1),
        sessionId: `01KDVCN400000000000000${at.toString().padStart(4, "0")}`,
      }]),
  );
  const first = world.block(entries);
  const bytes = first.entries.reduce((sum, entry) => sum + entry.length, 0);
  assert.ok(bytes <= 786_432 && first.entries.length > 1_000);
  assert.equal(
    new Set(entries.map((entry) => entryId(decodeEntry(entry)).toHex())).size,
    2_000,
  );
});

const body = (change: (fields: Map<number, Value>) => void) => {
  const fields = new Map(decodeEntry(genesisOf(["one", "two"])).body);
  change(fields);
  return encode([0, fields, []]);
};
const limits = (...values: number[]) =>
  new Map(values.map((value, at) => [at + 1, value]));
const GENESES: readonly (readonly [string, Uint8Array])[] = [
  ["another version", body((fields) => fields.set(10, 2))],
  ["no name", body((fields) => fields.set(11, ""))],
  ["a name of 33 bytes", body((fields) => fields.set(11, "x".repeat(33)))],
  ["no slot", body((fields) => fields.set(13, 0))],
  [
    "limits that contradict each other",
    body((fields) => fields.set(16, limits(100, 99, 1_000, 1))),
  ],
  ["nobody to decide", body((fields) => fields.set(17, []))],
  [
    "validators that fall",
    body((fields) => fields.set(17, [...fields.get(17) as Value[]].reverse())),
  ],
  [
    "a key twice",
    body((fields) => fields.set(18, [(fields.get(17) as Value[][])[0]![0]!])),
  ],
  ["an unknown field", body((fields) => fields.set(20, 0))],
  ["a missing field", body((fields) => fields.delete(18))],
];
for (const [what, bytes] of GENESES) {
  Deno.test(`genesis.decode refuses ${what}`, () => {
    assert.throws(() => decodeGenesis(bytes), FormatError);
  });
}

Deno.test("ledger keeps chains of one, and says so", () => {
  assert.throws(
    () => new Ledger(genesisOf(["one", "two"])),
    /chains of one validator/,
  );
});
