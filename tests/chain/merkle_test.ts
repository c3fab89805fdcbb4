import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { sha256 } from "../../chain/hash.ts";
import {
  append,
  type Frontier,
  frontierRoot,
  leafHash,
  merkleRoot,
  nodeHash,
} from "../../chain/merkle.ts";
import {
  provesConsistency,
  provesInclusion,
} from "../../chain/merkle_proof.ts";
import { MerkleTree } from "../../chain/merkle_tree.ts";

/** The leaves and roots that Certificate Transparency implementations are checked with. */
const CT_LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((hex) => Uint8Array.fromHex(hex));
const CT_ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const LEAVES = Array.from(
  { length: 70 },
  (_, at) => new Uint8Array(at).fill(at),
);
const TREE = new MerkleTree();
for (const leaf of LEAVES) TREE.append(leaf);

Deno.test("merkle.root is that of the eight Certificate Transparency trees, in all three ways", () => {
  const tree = new MerkleTree();
  let frontier: Frontier = [];
  CT_ROOTS.forEach((root, at) => {
    tree.append(CT_LEAVES[at]!);
    frontier = append(frontier, at, CT_LEAVES[at]!);
    assert.equal(merkleRoot(CT_LEAVES.slice(0, at + 1)).toHex(), root);
    assert.equal(tree.root().toHex(), root);
    assert.equal(frontierRoot(frontier).toHex(), root);
  });
  assert.equal(merkleRoot([]).toHex(), createHash("sha256").digest("hex"));
});

Deno.test("merkle.path proves every leaf of every tree up to 70, and nothing beside", () => {
  for (let count = 1; count <= 70; count++) {
    const root = TREE.root(count);
    assert.deepEqual(root, merkleRoot(LEAVES.slice(0, count)));
    for (let index = 0; index < count; index++) {
      const claim = {
        hash: leafHash(LEAVES[index]!),
        index,
        count,
        path: TREE.path(index, count),
        root,
      };
      assert.ok(provesInclusion(claim));
      assert.ok(!provesInclusion({ ...claim, index: index + 1 }));
      assert.ok(
        !provesInclusion({ ...claim, hash: leafHash(Uint8Array.of(1, 2, 3)) }),
      );
      assert.ok(
        !provesInclusion({ ...claim, path: claim.path.slice(32) }) ||
          count === 1,
      );
      assert.ok(
        !provesInclusion({
          ...claim,
          path: new Uint8Array([...claim.path, ...root]),
        }),
      );
      assert.ok(
        !provesInclusion({
          ...claim,
          path: new Uint8Array([...claim.path, 0]),
        }),
      );
    }
  }
});

Deno.test("merkle.consistency proves every beginning of every tree up to 70, and nothing beside", () => {
  for (let newCount = 1; newCount <= 70; newCount++) {
    for (let oldCount = 1; oldCount <= newCount; oldCount++) {
      const path = TREE.consistency(oldCount, newCount);
      const claim = {
        oldCount,
        oldRoot: TREE.root(oldCount),
        newCount,
        newRoot: TREE.root(newCount),
        path,
      };
      assert.ok(provesConsistency(claim));
      assert.ok(
        !provesConsistency({ ...claim, oldRoot: leafHash(Uint8Array.of(9)) }),
      );
      assert.ok(
        !provesConsistency({ ...claim, newRoot: leafHash(Uint8Array.of(9)) }),
      );
      assert.ok(
        !provesConsistency({
          ...claim,
          path: new Uint8Array([...path, ...TREE.root(1)]),
        }),
      );
      if (path.length > 0) {
        assert.ok(!provesConsistency({ ...claim, path: path.slice(32) }));
        assert.ok(!provesConsistency({ ...claim, path: path.slice(0, -32) }));
        const flipped = path.slice();
        flipped[path.length - 1]! ^= 1;
        assert.ok(!provesConsistency({ ...claim, path: flipped }));
      }
    }
  }
});

Deno.test("merkle.consistency from nothing is refused, whatever the path", () => {
  const claim = {
    oldCount: 0,
    oldRoot: merkleRoot([]),
    newCount: 3,
    newRoot: TREE.root(3),
    path: new Uint8Array(),
  };
  assert.ok(!provesConsistency(claim));
  assert.throws(() => TREE.consistency(0, 3), /Cannot prove/);
});

Deno.test("merkle proofs with numbers out of range are refused, not followed", () => {
  const claim = {
    hash: leafHash(LEAVES[0]!),
    path: TREE.path(0, 2),
    root: TREE.root(2),
  };
  for (
    const [index, count] of [[-1, 2], [2, 2], [0.5, 2], [0, 0], [0, NaN], [
      0,
      2 ** 53,
    ]] as const
  ) {
    assert.ok(!provesInclusion({ ...claim, index, count }));
  }
  assert.throws(() => TREE.path(70, 70), /Cannot prove/);
  assert.throws(() => TREE.root(71), /Cannot take/);
});

Deno.test("merkle.append keeps as many hashes as the count has one bits", () => {
  let frontier: Frontier = [];
  for (let count = 0; count < 70; count++) {
    assert.equal(frontier.length, count.toString(2).replaceAll("0", "").length);
    frontier = append(frontier, count, LEAVES[count]!);
  }
});

Deno.test("hash.sha256 agrees with the platform at every length up to 600", () => {
  for (let length = 0; length <= 600; length++) {
    const bytes = new Uint8Array(length).map((_, at) => at * 7 + length);
    const expected = createHash("sha256").update(bytes).digest("hex");
    assert.equal(
      sha256(bytes.subarray(0, length >> 1), bytes.subarray(length >> 1))
        .toHex(),
      expected,
    );
  }
});

Deno.test("merkle: an inner node cannot pass for a leaf by a shorter path", () => {
  const inner = nodeHash(leafHash(LEAVES[0]!), leafHash(LEAVES[1]!));
  const path = nodeHash(leafHash(LEAVES[2]!), leafHash(LEAVES[3]!));
  assert.ok(
    !provesInclusion({
      hash: inner,
      index: 0,
      count: 4,
      path,
      root: TREE.root(4),
    }),
  );
});
