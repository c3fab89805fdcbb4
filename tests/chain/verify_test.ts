import assert from "node:assert/strict";
import { decodeGenesis } from "../../chain/genesis.ts";
import { validatorsHash, validatorsJson } from "../../chain/validators.ts";
import { type Bytes, ZERO_HASH } from "../../chain/hash.ts";
import { blockIdOf, encodeHeader, type Header } from "../../chain/header.ts";
import {
  CODECS,
  encodeLeaf,
  type GapLeaf,
  type Leaf,
} from "../../chain/leaf.ts";
import { MerkleTree } from "../../chain/merkle_tree.ts";
import { proofFileText } from "../../chain/proof.ts";
import { trustFileText } from "../../chain/trust.ts";
import { verifyProof } from "../../chain/verify.ts";
import { encodeFinalAnchor } from "../../chain/final_anchor.ts";
import {
  bytesOf,
  certify,
  finalOf,
  genesisOf,
  node,
  sealChunk,
  SESSION,
  T0_MS,
  treeOf,
  validatorOf,
  World,
} from "./world.ts";

const nowMs = T0_MS + 3_600_000;
const PLAIN = new TextEncoder().encode("what was on the screen ".repeat(100));
const { leaf, sealed, chunkKey } = sealChunk(PLAIN);
const GAP: GapLeaf = {
  kind: "gap",
  index: 1,
  startMs: T0_MS + 2_000,
  endMs: T0_MS + 3_000,
  reason: "tap lost",
};
const LEAVES: readonly Leaf[] = [leaf, GAP];

const world = new World();
const anchor = world.final({ leaves: LEAVES });
world.block([anchor]);
world.block([]);
const PROOF = world.proof({ leaves: LEAVES, index: 0, anchor, height: 1 });
const LATER = world.proof({ leaves: LEAVES, index: 0, anchor, height: 2 });
const TRUST = world.trust;

// deno-lint-ignore no-explicit-any
type File = any;
const edit = (text: string, change: (file: File) => void): string => {
  const file = JSON.parse(text);
  change(file);
  return JSON.stringify(file);
};
const answerOf = (
  proof: string | Uint8Array,
  trust: string | undefined = TRUST,
) => verifyProof({ proof, trust, nowMs }).answer;

Deno.test("verify: a proof, with its chunk and key, is VALID and opens", () => {
  const report = verifyProof({
    proof: PROOF,
    trust: TRUST,
    chunk: sealed,
    key: chunkKey,
    nowMs,
  });
  assert.equal(report.answer, "VALID(single-operator)");
  assert.equal(report.exitCode, 0);
  assert.deepEqual(report.plain, PLAIN);
  assert.deepEqual(report.steps.map(({ name }) => name), [
    "proof",
    "trust",
    "leaf",
    "anchor",
    "session-path",
    "anchor-signature",
    "anchor-path",
    "dated",
    "certificate",
    "handover",
    "grid",
    "chunk",
    "segments",
    "key",
    "decrypt",
    "decode",
  ]);
  assert.deepEqual(report.findings?.dated, { ...report.findings!.certified });
  assert.equal(report.findings?.dated.height, 1);
});

Deno.test("verify: a proof by a later block is dated by its own", () => {
  const report = verifyProof({ proof: LATER, trust: TRUST, nowMs });
  assert.equal(report.answer, "VALID(single-operator)");
  assert.equal(report.findings?.dated.height, 1);
  assert.equal(report.findings?.certified.height, 2);
});

Deno.test("verify: without a trust file the answer is UNPINNED, and still INVALID where something is wrong", () => {
  const report = verifyProof({ proof: PROOF, nowMs });
  assert.deepEqual([report.answer, report.exitCode], ["UNPINNED", 2]);
  assert.equal(
    verifyProof({ proof: PROOF, chunk: PLAIN, nowMs }).answer,
    "INVALID(chunk)",
  );
});

Deno.test("verify: an interim anchor is INTERIM", () => {
  const running = new World();
  const tree = treeOf(LEAVES);
  const rows = [{
    sessionId: SESSION,
    leafCount: 2,
    root: tree.root(),
    path: new Uint8Array(),
  }];
  const interim = running.interim(rows);
  running.block([interim]);
  const proof = running.proof({ leaves: LEAVES, index: 1, anchor: interim });
  const report = verifyProof({ proof, trust: running.trust, nowMs });
  assert.deepEqual([report.answer, report.exitCode], [
    "INTERIM(single-operator)",
    4,
  ]);
});

Deno.test("verify: a second chain over the same chunks is INVALID(trust)", () => {
  const second = new World("mallory");
  const again = second.final({ leaves: LEAVES });
  second.block([again]);
  const proof = second.proof({ leaves: LEAVES, index: 0, anchor: again });
  assert.equal(answerOf(proof, second.trust), "VALID(single-operator)");
  assert.equal(answerOf(proof), "INVALID(trust)");
});

Deno.test("verify: whoever claims the same chain without its key is INVALID(trust)", () => {
  const mallory = validatorOf("mallory");
  const forged = edit(PROOF, (file) => {
    file.certified[0].validators = validatorsJson([mallory]);
  });
  assert.equal(answerOf(forged), "INVALID(certificate)");
  const chain = buildChain({
    first: ["mallory"],
    then: ["mallory"],
    genesis: world.genesis,
  });
  assert.equal(answerOf(chain.proof(2), TRUST), "INVALID(trust)");
});

const flipped = (base64: string, at = 40) => {
  const bytes = Uint8Array.fromBase64(base64);
  bytes[bytes.length - at]! ^= 1;
  return bytes.toBase64();
};
const withLeaf = (change: Partial<typeof leaf>) =>
  encodeLeaf({ ...leaf, ...change }).toBase64();
const NAMED: readonly (readonly [string, string, (file: File) => void])[] = [
  ["an unknown field", "proof", (file) => file.more = 1],
  ["a missing field", "proof", (file) => delete file.anchorPath],
  ["another format", "proof", (file) => file.format = "lucid-proof/2"],
  [
    "a session in lower case",
    "proof",
    (file) => file.session = file.session.toLowerCase(),
  ],
  ["nothing certified", "proof", (file) => file.certified = []],
  ["a header path without header", "proof", (file) => file.anchoredInPath = ""],
  [
    "base64 without padding",
    "proof",
    (file) => file.leaf = file.leaf.replace(/=+$/, "") + "A",
  ],
  ["another chain", "trust", (file) => file.chainId = bytesOf("x").toHex()],
  [
    "bytes after the leaf",
    "leaf",
    (file) => file.leaf = `${file.leaf.slice(0, -4)}AAAA`,
  ],
  [
    "another leaf",
    "session-path",
    (file) => file.leaf = withLeaf({ salt: bytesOf("x") }),
  ],
  [
    "another index",
    "session-path",
    (file) => file.leaf = withLeaf({ index: 1 }),
  ],
  [
    "times outside of the session",
    "anchor",
    (file) => file.leaf = withLeaf({ startMs: 0 }),
  ],
  [
    "a longer path",
    "session-path",
    (file) => file.leafPath = new Uint8Array(64).toBase64(),
  ],
  [
    "another session",
    "anchor",
    (file) => file.session = "01KDVCN40000000000000SE552",
  ],
  [
    "another signature",
    "anchor-signature",
    (file) => file.anchor = flipped(file.anchor, 5),
  ],
  ["another place in the log", "anchor-path", (file) => file.anchorIndex = 0],
  [
    "another path in the log",
    "anchor-path",
    (file) => file.anchorPath = flipped(file.anchorPath, 3),
  ],
  ["another round", "certificate", (file) => file.certified[0].round = 1],
  ["no signature", "certificate", (file) => file.certified[0].signatures = []],
  ["another signature of the block", "certificate", (file) => {
    file.certified[0].signatures[0][1] = flipped(
      file.certified[0].signatures[0][1],
      5,
    );
  }],
  ["a signature of nobody", "certificate", (file) => {
    file.certified[0].signatures.push([1, file.certified[0].signatures[0][1]]);
  }],
];
for (const [what, step, change] of NAMED) {
  Deno.test(`verify: ${what} is INVALID(${step})`, () => {
    assert.equal(answerOf(edit(PROOF, change)), `INVALID(${step})`);
  });
}

Deno.test("verify: each way in which chunk and key can be wrong has its name", () => {
  const touched = sealed.slice();
  touched[3]! ^= 1;
  const ask = (chunk: Uint8Array, key?: Uint8Array) =>
    verifyProof({ proof: PROOF, trust: TRUST, chunk, key, nowMs }).answer;
  assert.equal(ask(touched), "INVALID(chunk)");
  assert.equal(ask(sealed, bytesOf("x")), "INVALID(key)");
  const gapProof = world.proof({ leaves: LEAVES, index: 1, anchor });
  assert.equal(
    verifyProof({ proof: gapProof, trust: TRUST, chunk: sealed, nowMs }).answer,
    "INVALID(chunk)",
  );

  const recorder = (made: ReturnType<typeof sealChunk>) => {
    const bad = new World();
    const entry = bad.final({ leaves: [made.leaf] });
    bad.block([entry]);
    const proof = bad.proof({ leaves: [made.leaf], index: 0, anchor: entry });
    return verifyProof({
      proof,
      trust: bad.trust,
      chunk: made.sealed,
      key: made.chunkKey,
      nowMs,
    }).answer;
  };
  const made = sealChunk(PLAIN);
  assert.equal(
    recorder({ ...made, leaf: { ...made.leaf, segmentRoot: bytesOf("x") } }),
    "INVALID(segments)",
  );
  assert.equal(
    recorder({ ...made, leaf: { ...made.leaf, codec: CODECS.gzip } }),
    "INVALID(decrypt)",
  );
  assert.equal(
    recorder(sealChunk(PLAIN, { packed: new Uint8Array(20) })),
    "INVALID(decode)",
  );
  assert.equal(
    recorder({ ...made, leaf: { ...made.leaf, plainBytes: PLAIN.length + 1 } }),
    "INVALID(decode)",
  );
});

Deno.test("verify: no proof with one bit flipped or one byte cut off is accepted", () => {
  const bytes = new TextEncoder().encode(LATER);
  let tried = 0;
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const at = bit >> 3;
    const mutant = bytes.slice();
    mutant[at]! ^= 1 << (bit & 7);
    // One kind of white space for the other changes nothing that anybody relies on; nothing else may pass.
    const isSpace = bytes[at] === 0x20 || bytes[at] === 0x0a;
    if (isSpace && (mutant[at] === 0x20 || mutant[at] === 0x0a)) continue;
    assert.match(answerOf(mutant), /^INVALID/, `bit ${bit}`);
    tried++;
  }
  assert.ok(tried > 15_000);
  for (let count = 0; count < bytes.length - 1; count++) {
    assert.equal(
      answerOf(bytes.subarray(0, count)),
      "INVALID(proof)",
      `cut to ${count}`,
    );
  }
});

const TRUSTS: readonly (readonly [string, (file: File) => void])[] = [
  ["past its last day", (file) => file.validUntil = nowMs - 1],
  [
    "with a checkpoint at height 0",
    (file) => [file.size, file.root] = [1, ZERO_HASH.toHex()],
  ],
  ["with another block 0", (file) => file.blockId = ZERO_HASH.toHex()],
  [
    "with another set at height 0",
    (file) => file.validators = validatorsJson([validatorOf("mallory")]),
  ],
  ["above height 0 without a checkpoint", (file) => file.height = 1],
  [
    "above the proof",
    (file) =>
      Object.assign(file, { height: 9, size: 20, root: ZERO_HASH.toHex() }),
  ],
  ["with another block at the proof's height", (file) => {
    Object.assign(file, {
      height: 1,
      size: 3,
      root: ZERO_HASH.toHex(),
      blockId: ZERO_HASH.toHex(),
    });
  }],
  [
    "with a predecessor that the genesis does not name",
    (file) => file.predecessor = JSON.parse(TRUST),
  ],
];
for (const [what, change] of TRUSTS) {
  Deno.test(`verify: a trust file ${what} is INVALID(trust)`, () => {
    assert.equal(answerOf(PROOF, edit(TRUST, change)), "INVALID(trust)");
  });
}

Deno.test("verify: the trusted block itself needs no more than its id", () => {
  const { block: { blockId } } = world.blocks[0]!;
  const pinned = edit(TRUST, (file) => {
    Object.assign(file, {
      height: 1,
      size: 3,
      root: world.tree.root(3).toHex(),
      blockId: blockId.toHex(),
    });
  });
  assert.equal(answerOf(PROOF, pinned), "VALID(single-operator)");
  assert.equal(
    answerOf(LATER, pinned),
    "INVALID(trust)",
    "a later block must show that it extends the trusted log",
  );
  const extended = edit(LATER, (file) => {
    file.extends = { size: 3, path: world.tree.consistency(3, 4).toBase64() };
  });
  assert.equal(answerOf(extended, pinned), "VALID(single-operator)");
  assert.equal(
    answerOf(
      edit(
        extended,
        (file) => file.extends.path = flipped(file.extends.path, 1),
      ),
      pinned,
    ),
    "INVALID(trust)",
  );
});

/** A log in which the set changes at block 4, made by hand: blocks of one entry and a header. */
function buildChain(
  { first, then, genesis = genesisOf(first), change = (header) => header }: {
    readonly first: readonly string[];
    readonly then: readonly string[];
    readonly genesis?: Bytes;
    readonly change?: (header: Header) => Header;
  },
) {
  const { params } = decodeGenesis(genesis);
  const chainId = blockIdOf(genesis);
  const ordered = (names: readonly string[]) =>
    names.map(validatorOf).sort((a, b) =>
      a.consensusKey.toHex() < b.consensusKey.toHex() ? -1 : 1
    );
  const final = encodeFinalAnchor(finalOf({ leaves: LEAVES }), {
    chainId,
    expiryHeight: 50,
  }, node);
  const tree = new MerkleTree();
  tree.append(genesis);
  const blocks: { bytes: Bytes; header: Header; blockId: Bytes }[] = [];
  for (let height = 1; height <= 6; height++) {
    const firstIndex = tree.count;
    if (height > 1) tree.append(Uint8Array.of(height));
    if (height === 2) tree.append(final);
    const set = validatorsHash(ordered(height <= 4 ? first : then));
    const header = change({
      chainId,
      height,
      slot: height,
      timeMs: params.t0Ms + height * params.slotMs,
      prevBlockId: blocks.at(-1)?.blockId ?? chainId,
      firstIndex,
      preSize: tree.count,
      preRoot: tree.root(),
      validatorsHash: set,
      nextValidatorsHash: height === 4 ? validatorsHash(ordered(then)) : set,
      creator: node.publicKey,
      originRound: 0,
      vrfProof: new Uint8Array(),
      seed: ZERO_HASH,
      epoch: Math.floor((height - 1) / params.epochBlocks),
      stateHash: height % params.epochBlocks === 0
        ? bytesOf("state")
        : ZERO_HASH,
      paramsHash: ZERO_HASH,
    });
    const bytes = encodeHeader(header);
    tree.append(bytes);
    blocks.push({ bytes, header, blockId: blockIdOf(bytes) });
  }
  const certified = (
    height: number,
    signers: readonly string[] = height <= 4 ? first : then,
  ) => ({
    bytes: blocks[height - 1]!.bytes,
    certificate: certify(blocks[height - 1]!, chainId, signers),
    validators: ordered(height <= 4 ? first : then),
  });
  const proof = (
    height: number,
    handovers = [4].filter((at) => at < height),
    signers?: readonly string[],
  ) =>
    proofFileText({
      chainId,
      sessionId: SESSION,
      leaf: encodeLeaf(LEAVES[0]!),
      leafPath: treeOf(LEAVES).path(0),
      anchor: final,
      anchorIndex: 3,
      anchorPath: tree.path(3, blocks[1]!.header.preSize),
      ...(height === 2 ? {} : {
        anchoredIn: {
          bytes: blocks[1]!.bytes,
          path: tree.path(
            blocks[1]!.header.preSize,
            blocks[height - 1]!.header.preSize,
          ),
        },
      }),
      certified: [
        ...handovers.map((at) => certified(at)),
        certified(height, signers),
      ],
    });
  return { proof, trust: trustFileText(genesis) };
}

const FOUR = ["a", "b", "c", "d"];

Deno.test("verify: a handover from one to four is followed, and the smallest set named", () => {
  const { proof, trust } = buildChain({ first: ["one"], then: FOUR });
  assert.equal(answerOf(proof(6), trust), "VALID(single-operator)");
  const later = edit(trust, (file) => {
    const { certified } = JSON.parse(proof(4, []));
    file.height = 4;
    file.blockId = blockIdOf(Uint8Array.fromBase64(certified[0].header))
      .toHex();
    [file.size, file.root] = [9, ZERO_HASH.toHex()];
    file.validators = JSON.parse(proof(6)).certified.at(-1).validators;
  });
  assert.equal(answerOf(proof(4, []), later), "VALID(single-operator)");
  assert.equal(
    answerOf(proof(6), later),
    "INVALID(trust)",
    "no path from the checkpoint",
  );
});

Deno.test("verify: three of four are a quorum, two are not, and four name their number", () => {
  const { proof, trust } = buildChain({ first: FOUR, then: FOUR });
  assert.equal(answerOf(proof(3), trust), "VALID(4, 0)");
  const without = (count: number) =>
    edit(proof(3), (file) => file.certified[0].signatures.splice(0, count));
  assert.equal(answerOf(without(1), trust), "VALID(4, 0)");
  assert.equal(answerOf(without(2), trust), "INVALID(certificate)");
  const unsorted = edit(
    proof(3),
    (file) => file.certified[0].signatures.reverse(),
  );
  assert.equal(answerOf(unsorted, trust), "INVALID(proof)");
  const spoiled = edit(proof(3), (file) => {
    file.certified[0].signatures[3][1] = flipped(
      file.certified[0].signatures[3][1],
      5,
    );
  });
  assert.equal(
    answerOf(spoiled, trust),
    "INVALID(certificate)",
    "any invalid signature spoils a certificate",
  );
});

Deno.test("verify: handovers that are missing, idle or off the epoch are refused", () => {
  const { proof, trust } = buildChain({ first: ["one"], then: FOUR });
  assert.equal(answerOf(proof(6, []), trust), "INVALID(trust)");
  assert.equal(answerOf(proof(6, [3]), trust), "INVALID(handover)");
  assert.equal(answerOf(proof(6, [4, 5]), trust), "INVALID(handover)");
  const idle = buildChain({ first: FOUR, then: FOUR });
  assert.equal(answerOf(idle.proof(6, [4]), idle.trust), "INVALID(handover)");
});

const GRID: readonly (readonly [string, string, (header: Header) => Header])[] =
  [
    [
      "a time off its slot",
      "grid",
      (header) => ({ ...header, timeMs: header.timeMs + 10_000 }),
    ],
    [
      "another epoch",
      "grid",
      (header) => ({ ...header, epoch: header.epoch + 1 }),
    ],
    [
      "a state hash within an epoch",
      "grid",
      (header) => ({ ...header, stateHash: bytesOf("x") }),
    ],
    [
      "another set next within an epoch",
      "grid",
      (header) => ({ ...header, nextValidatorsHash: bytesOf("x") }),
    ],
    [
      "an end before its beginning",
      "proof",
      (header) => ({ ...header, firstIndex: header.preSize + 1 }),
    ],
    [
      "a beginning after the anchor",
      "dated",
      (header) => ({ ...header, firstIndex: 3 }),
    ],
    [
      "a time before the session's end",
      "dated",
      (header) => ({ ...header, timeMs: T0_MS - 3_000 }),
    ],
    [
      "a height past the anchor's expiry",
      "dated",
      (header) => ({ ...header, height: 51 }),
    ],
  ];
for (const [what, step, forge] of GRID) {
  Deno.test(`verify: a header with ${what} is INVALID(${step})`, () => {
    const { proof, trust } = buildChain({
      first: ["one"],
      then: ["one"],
      change: (header) => header.height === 2 ? forge(header) : header,
    });
    assert.equal(answerOf(proof(2), trust), `INVALID(${step})`);
  });
}

const ORDER: readonly (readonly [string, (header: Header) => Header])[] = [
  ["the same height", (header) => ({ ...header, height: 2 })],
  [
    "the same time",
    (header) => ({
      ...header,
      slot: header.slot - 1,
      timeMs: header.timeMs - 10_000,
    }),
  ],
  [
    "entries that are in both",
    (header) => ({ ...header, firstIndex: header.firstIndex - 1 }),
  ],
  ["another block before", (header) => ({ ...header, prevBlockId: ZERO_HASH })],
];
for (const [what, forge] of ORDER) {
  Deno.test(`verify: a certified block after the dating one, but with ${what}, is INVALID(dated)`, () => {
    const { proof, trust } = buildChain({
      first: ["one"],
      then: ["one"],
      change: (header) => header.height === 3 ? forge(header) : header,
    });
    assert.equal(answerOf(proof(3), trust), "INVALID(dated)");
  });
}

Deno.test("verify: a handover to a block that follows another is INVALID(handover)", () => {
  const { proof, trust } = buildChain({
    first: ["one"],
    then: FOUR,
    change: (header) =>
      header.height === 5 ? { ...header, prevBlockId: ZERO_HASH } : header,
  });
  assert.equal(answerOf(proof(5), trust), "INVALID(handover)");
});

Deno.test("verify: what was not looked at is said beside the answer", () => {
  const said = (given: { chunk?: Uint8Array; key?: Uint8Array }) =>
    verifyProof({ proof: PROOF, trust: TRUST, nowMs, ...given }).caveats
      .filter((caveat) => /^(Only|Ciphertext)/.test(caveat));
  assert.deepEqual(said({}), [
    "Only the leaf was checked, no chunk was given.",
  ]);
  assert.deepEqual(said({ chunk: sealed }), [
    "Ciphertext only: says nothing about who made it.",
  ]);
  assert.deepEqual(said({ chunk: sealed, key: chunkKey }), []);
});

Deno.test("verify: a successor chain says RECOVERED, and only with its predecessor's certificate", () => {
  const { certificate } = world.blocks[0]!;
  const successor = (forged: typeof certificate) => {
    const next = new World("heir", {
      chainId: world.ledger.chainId,
      size: 3,
      root: world.tree.root(3),
      certificate: forged,
    });
    const entry = next.final({ leaves: LEAVES });
    next.block([entry]);
    const trust = edit(
      next.trust,
      (file) => file.predecessor = JSON.parse(TRUST),
    );
    return verifyProof({
      proof: next.proof({ leaves: LEAVES, index: 0, anchor: entry }),
      trust,
      nowMs,
    });
  };
  assert.equal(successor(certificate).answer, "VALID(single-operator)");
  assert.equal(successor(certificate).findings?.recoveredHeight, 1);
  assert.equal(
    successor({ ...certificate, blockId: bytesOf("x") }).answer,
    "INVALID(trust)",
  );
});

Deno.test("verify: two of three are no quorum: more than two thirds means more", () => {
  const { proof, trust } = buildChain({
    first: ["a", "b", "c"],
    then: ["a", "b", "c"],
  });
  assert.equal(answerOf(proof(3), trust), "VALID(3, 0)");
  const two = edit(proof(3), (file) => file.certified[0].signatures.pop());
  assert.equal(answerOf(two, trust), "INVALID(certificate)");
});
