/**
 * One of each byte format, from fixed names: what `tests/golden/chain/` holds.
 *
 * @module
 */
import { openLog } from "@lucid/runtime";
import { manualClock } from "@lucid/runtime/testing";
import { ownerCommit } from "../../chain/final_anchor.ts";
import { certificateValue } from "../../chain/quorum.ts";
import { encode } from "../../chain/canonical.ts";
import { decodeEntry, entryId } from "../../chain/entry.ts";
import { decodeGenesis, paramsHash } from "../../chain/genesis.ts";
import { validatorsHash } from "../../chain/validators.ts";
import {
  chunkAad,
  chunkInfo,
  CODECS,
  encodeLeaf,
  type GapLeaf,
} from "../../chain/leaf.ts";
import { openChain } from "../../machine/chain/chain.ts";
import {
  bytesOf,
  genesisOf,
  node,
  sealChunk,
  SESSION,
  signerOf,
  T0_MS,
  treeOf,
  World,
} from "./world.ts";

/** File name → text. */
export function goldenFiles(): ReadonlyMap<string, string> {
  const plain = new TextEncoder().encode("a picture");
  const { leaf, sealed, chunkKey } = sealChunk(plain, { codec: CODECS.stored });
  const gap: GapLeaf = {
    kind: "gap",
    index: 1,
    startMs: T0_MS + 2_000,
    endMs: T0_MS + 3_000,
    reason: "tap lost",
  };
  const leaves = [leaf, gap];
  const tree = treeOf(leaves);
  const place = { recorderKey: node.publicKey, sessionId: SESSION, index: 0 };
  const world = new World();
  const interim = world.interim([{
    sessionId: SESSION,
    leafCount: 1,
    root: tree.root(1),
    path: new Uint8Array(),
  }]);
  const one = world.block([interim]);
  const final = world.final({
    leaves,
    lastInterim: { index: 1, path: tree.consistency(1, 2) },
  });
  const two = world.block([final]);
  for (let height = 3; height <= 4; height++) world.block([]);
  const { certificate } = world.blocks[0]!;
  const genesis = decodeGenesis(world.genesis);
  const hex = {
    chunkInfo: chunkInfo(place),
    chunkAad: chunkAad({ ...place, codec: CODECS.stored }),
    chunkKey,
    sealed,
    chunkLeaf: encodeLeaf(leaf),
    gapLeaf: encodeLeaf(gap),
    sessionRoot: tree.root(),
    ownerCommit: ownerCommit("owner", bytesOf("salt")),
    genesis: world.genesis,
    genesisOfFour: genesisOf(["a", "b", "c", "d"]),
    genesisOfSuccessor: genesisOf(["heir"], {
      chainId: world.ledger.chainId,
      size: 3,
      root: world.tree.root(3),
      certificate,
    }),
    chainId: world.ledger.chainId,
    paramsHash: paramsHash(genesis.params),
    validatorsHash: validatorsHash(genesis.validators),
    interim,
    interimId: entryId(decodeEntry(interim)),
    final,
    finalId: entryId(decodeEntry(final)),
    header1: one.entries.at(-1)!,
    blockId1: one.blockId,
    certificate1: encode(certificateValue(certificate)),
    commit1: two.entries[0]!,
    header2: two.entries.at(-1)!,
    header4: world.blocks[3]!.block.entries.at(-1)!,
  };
  const lines = Object.entries(hex).map(([name, bytes]) =>
    `${name} ${bytes.toHex()}\n`
  );
  return new Map([
    ["formats.hex", lines.join("")],
    ["trust.txt", world.trust],
    ["proof.txt", world.proof({ leaves, index: 0, anchor: final, height: 2 })],
    [
      "proof_by_later_block.txt",
      world.proof({ leaves, index: 1, anchor: final }),
    ],
    ...machineFiles(),
  ]);
}

/** Log, WAL and signer files after two blocks. */
function machineFiles(): [string, string][] {
  const dir = Deno.makeTempDirSync({ prefix: "lucid-golden-" });
  try {
    const clock = {
      now: () => nowMs,
      after: (_: number, run: () => void) => (tick = run, () => {}),
    };
    let nowMs = T0_MS;
    let tick = () => {};
    const [consensus, vrf, cosign] = [
      signerOf("consensus"),
      signerOf("vrf"),
      signerOf("cosign"),
    ];
    const chain = openChain({
      dir,
      keys: { consensus, vrf, cosign, node },
      genesis: {
        network: "test",
        slotMs: 10_000,
        epochBlocks: 4,
        emptyBlockEverySlots: 1,
      },
      clock,
      log: openLog({ clock: manualClock(), write: () => {} }),
      onDecided: () => {},
    });
    for (let block = 0; block < 2; block++) {
      nowMs += 10_000;
      tick();
    }
    chain.close();
    return ["log", "wal", "signer.0", "signer.1"]
      .map((
        name,
      ) => [`${name}.hex`, `${Deno.readFileSync(`${dir}/${name}`).toHex()}\n`]);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}
