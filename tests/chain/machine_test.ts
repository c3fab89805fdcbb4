import assert from "node:assert/strict";
import { join } from "node:path";
import { openLog } from "@lucid/runtime";
import { manualClock } from "@lucid/runtime/testing";
import { encodeFinalAnchor } from "../../chain/final_anchor.ts";
import { encodeInterimAnchors } from "../../chain/interim_anchors.ts";
import { encodeLeaf, type GapLeaf } from "../../chain/leaf.ts";
import { verifyProof } from "../../chain/verify.ts";
import type { CrashPoint } from "../../machine/chain/block_maker.ts";
import { BlockSigner } from "../../machine/chain/block_signer.ts";
import { openChain } from "../../machine/chain/chain.ts";
import type { DecidedBlock } from "../../machine/chain/decided_log.ts";
import { bytesOf, finalOf, node, SESSION, signerOf, treeOf } from "./world.ts";

const SLOT_MS = 1_000;
const KEYS = {
  consensus: signerOf("consensus"),
  vrf: signerOf("vrf"),
  cosign: signerOf("cosign"),
  node,
};

/** One folder and one clock; the chain in it is opened as often as a test likes. */
class Machine {
  readonly dir = Deno.makeTempDirSync({ prefix: "lucid-chain-" });
  readonly clock = manualClock();
  readonly startMs = this.clock.now();
  readonly lines: string[] = [];
  decided: DecidedBlock[] = [];

  open(
    { crashAt, keys = KEYS }: {
      readonly crashAt?: CrashPoint;
      readonly keys?: typeof KEYS;
    } = {},
  ) {
    return openChain({
      dir: this.dir,
      keys,
      genesis: {
        network: "test",
        slotMs: SLOT_MS,
        epochBlocks: 4,
        emptyBlockEverySlots: 3,
      },
      clock: this.clock,
      log: openLog({
        clock: this.clock,
        write: (line) => this.lines.push(line),
      }),
      onDecided: (block) => this.decided.push(block),
      points: (point) => {
        if (point === crashAt) throw new Crash(point);
      },
    });
  }

  file(name: string): string {
    return join(this.dir, name);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.dir, { recursive: true });
  }
}

/** Stands for the end of the process: what was written stays, what was in memory is gone. */
class Crash extends Error {}

const gapAt = (index: number, startMs: number): GapLeaf => ({
  kind: "gap",
  index,
  startMs,
  endMs: startMs,
  reason: "paused",
});

function anchorFor(
  machine: Machine,
  chain: ReturnType<Machine["open"]>,
  sessionId = SESSION,
) {
  const leaves = [gapAt(0, machine.startMs), gapAt(1, machine.startMs)];
  const final = {
    ...finalOf({ leaves, sessionId }),
    startedAtMs: machine.startMs,
    endedAtMs: machine.startMs,
  };
  const terms = { chainId: chain.chainId, expiryHeight: chain.height + 100 };
  return { leaves, terms, bytes: encodeFinalAnchor(final, terms, node) };
}

Deno.test("chain: an entry becomes a block in the next slot, and its proof is valid", async () => {
  using machine = new Machine();
  const chain = machine.open();
  const { leaves, bytes } = anchorFor(machine, chain);
  const { entryId } = chain.submit(bytes);
  assert.equal(chain.pendingCount, 1);
  assert.deepEqual(chain.submit(bytes), { entryId });
  await machine.clock.advance(SLOT_MS);
  assert.equal(chain.height, 1);
  assert.equal(chain.pendingCount, 0);
  const place = chain.find(entryId)!;
  assert.deepEqual([place.height, place.index], [1, 1]);
  assert.deepEqual(chain.submit(bytes), { entryId, decided: place });
  assert.deepEqual(machine.decided, [chain.block(1)!]);
  assert.deepEqual(chain.blockById(chain.blockId), chain.block(1));
  assert.deepEqual(chain.entry(1)?.bytes, bytes);
  const proof = chain.proof({
    session: SESSION,
    leaf: encodeLeaf(leaves[1]!),
    leafPath: treeOf(leaves).path(1),
    anchorIndex: place.index,
  });
  assert.equal(
    verifyProof({ proof, trust: chain.trust(), nowMs: 0 }).answer,
    "VALID(single-operator)",
  );
  chain.close();
});

Deno.test("chain: an id is found whole or not at all, and is no block's", async () => {
  using machine = new Machine();
  const chain = machine.open();
  const { entryId } = chain.submit(anchorFor(machine, chain).bytes);
  await machine.clock.advance(SLOT_MS);
  const alike = (id: Uint8Array) =>
    id.map((byte, at) => at < 31 ? byte : ~byte);
  for (const id of [alike(entryId), chain.blockId, new Uint8Array(32)]) {
    assert.equal(chain.find(id), undefined);
  }
  for (const id of [alike(chain.blockId), entryId, new Uint8Array(32)]) {
    assert.equal(chain.blockById(id), undefined);
  }
  chain.close();
});

Deno.test("chain: without entries a block is made every so many slots, and not between", async () => {
  using machine = new Machine();
  const chain = machine.open();
  await machine.clock.advance(2 * SLOT_MS);
  assert.equal(chain.height, 0);
  await machine.clock.advance(7 * SLOT_MS);
  assert.deepEqual(machine.decided.map(({ slot }) => slot), [3, 6, 9]);
  chain.close();
});

Deno.test("chain: replayed, it is the same chain, and goes on", async () => {
  using machine = new Machine();
  let chain = machine.open();
  const { bytes } = anchorFor(machine, chain);
  const { entryId } = chain.submit(bytes);
  await machine.clock.advance(9 * SLOT_MS);
  const before = Array.from(
    { length: chain.height },
    (_, at) => chain.block(at + 1),
  );
  const trust = chain.trust();
  chain.close();
  chain = machine.open();
  assert.deepEqual(
    Array.from({ length: chain.height }, (_, at) => chain.block(at + 1)),
    before,
  );
  assert.equal(chain.trust(), trust);
  assert.equal(chain.find(entryId)?.height, 1);
  assert.equal(chain.submit(bytes).decided?.height, 1);
  await machine.clock.advance(9 * SLOT_MS);
  assert.ok(chain.height > before.length);
  chain.close();
});

for (
  const crashAt of [
    "wal-record",
    "signed",
    "log-append",
    "between-blocks",
  ] as const
) {
  for (const blocksBefore of [0, 1, 2]) {
    Deno.test(`chain: a crash at ${crashAt} of block ${blocksBefore + 1} leaves the same block`, async () => {
      using machine = new Machine();
      let chain = machine.open();
      for (let count = 0; count < blocksBefore; count++) {
        chain.submit(
          anchorFor(machine, chain, `01KDVCN40000000000000SE56${count}`).bytes,
        );
        await machine.clock.advance(SLOT_MS);
      }
      chain.close();
      chain = machine.open({ crashAt });
      const { bytes } = anchorFor(machine, chain);
      const { entryId } = chain.submit(bytes);
      const wal = () => Deno.readFileSync(machine.file("wal")).toHex();
      await machine.clock.advance(SLOT_MS).catch((error) =>
        assert.ok(error instanceof Crash)
      );
      const proposed = wal();
      chain.close();

      chain = machine.open();
      assert.equal(chain.height, blocksBefore + 1);
      assert.equal(chain.find(entryId)?.height, blocksBefore + 1);
      assert.equal(wal(), proposed);
      for (const { bytes } of chain.block(chain.height)!.entries) {
        assert.ok(proposed.includes(bytes.toHex()));
      }
      const types = chain.block(chain.height)!.entries.map(({ type }) => type);
      assert.deepEqual(types, blocksBefore === 0 ? [1, 8] : [7, 1, 8]);
      chain.submit(bytes);
      assert.equal(chain.pendingCount, 0, "nothing is anchored twice");
      chain.close();
    });
  }
}

async function withBlocks(machine: Machine, count: number): Promise<void> {
  const chain = machine.open();
  for (let made = 0; made < count; made++) {
    chain.submit(
      anchorFor(machine, chain, `01KDVCN40000000000000SE56${made}`).bytes,
    );
    await machine.clock.advance(SLOT_MS);
  }
  assert.equal(chain.height, count);
  chain.close();
}

Deno.test("chain: a log torn anywhere in its last block gets that block back from the WAL", async () => {
  using machine = new Machine();
  await withBlocks(machine, 2);
  const shorter = (await Deno.stat(machine.file("log"))).size;
  const chain = machine.open();
  chain.submit(anchorFor(machine, chain).bytes);
  await machine.clock.advance(SLOT_MS);
  const whole = chain.block(3);
  chain.close();
  const log = await Deno.readFile(machine.file("log"));
  for (let length = shorter; length < log.length; length += 7) {
    await Deno.writeFile(machine.file("log"), log.subarray(0, length));
    const again = machine.open();
    assert.deepEqual(again.block(3), whole);
    again.close();
    assert.deepEqual(await Deno.readFile(machine.file("log")), log);
  }
});

Deno.test("chain: a byte changed in the last block is mended, one before it is damage and is said", async () => {
  using machine = new Machine();
  await withBlocks(machine, 3);
  const log = await Deno.readFile(machine.file("log"));
  const change = async (at: number) => {
    const touched = log.slice();
    touched[at]! ^= 1;
    await Deno.writeFile(machine.file("log"), touched);
  };
  await change(log.length - 30);
  const chain = machine.open();
  assert.equal(chain.height, 3);
  chain.close();
  for (const at of [2, 30, 600, 900]) {
    await change(at);
    assert.throws(
      () => machine.open(),
      /Cannot open the chain: .* is damaged at byte \d+/,
    );
  }
});

Deno.test("chain: a log older than its signer does not go on", async () => {
  using machine = new Machine();
  await withBlocks(machine, 1);
  const old = await Deno.readFile(machine.file("log"));
  const chain = machine.open();
  await machine.clock.advance(9 * SLOT_MS);
  chain.close();
  await Deno.writeFile(machine.file("log"), old);
  assert.throws(
    () => machine.open(),
    /block \d+ was signed here, but the log ends at 1/,
  );
});

Deno.test("chain: a lost WAL and lost signer files do no harm after an orderly end", async () => {
  using machine = new Machine();
  await withBlocks(machine, 2);
  for (const name of ["wal", "signer.0", "signer.1"]) {
    await Deno.remove(machine.file(name));
  }
  const chain = machine.open();
  await machine.clock.advance(3 * SLOT_MS);
  assert.equal(chain.height, 3);
  chain.close();
});

Deno.test("chain: a WAL that is not sound is left aside, and said", async () => {
  using machine = new Machine();
  await withBlocks(machine, 2);
  await Deno.writeFile(machine.file("wal"), new Uint8Array(100));
  const chain = machine.open();
  assert.ok(machine.lines.some((line) => line.includes("wal not sound")));
  await machine.clock.advance(3 * SLOT_MS);
  assert.equal(chain.height, 3);
  chain.close();
});

Deno.test("chain: one torn signer file is covered by the other", async () => {
  for (const name of ["signer.0", "signer.1"]) {
    using machine = new Machine();
    await withBlocks(machine, 3);
    await Deno.truncate(machine.file(name), 20);
    const chain = machine.open();
    await machine.clock.advance(3 * SLOT_MS);
    assert.equal(chain.height, 4);
    chain.close();
  }
});

Deno.test("chain: a clock set back waits, says so, and goes on when time has come", async () => {
  using machine = new Machine();
  const chain = machine.open();
  await machine.clock.advance(6 * SLOT_MS);
  machine.clock.setNow(machine.startMs - 60_000);
  await machine.clock.advance(6 * SLOT_MS);
  assert.equal(chain.height, 2);
  assert.match(chain.waitingFor!, /the clock is \d+ ms behind/);
  machine.clock.setNow(machine.startMs + 60_000);
  await machine.clock.advance(6 * SLOT_MS);
  assert.ok(chain.height > 2);
  assert.equal(chain.waitingFor, undefined);
  chain.close();
});

Deno.test("chain: a clock a month ahead is believed, one two years ahead only when accepted", async () => {
  using machine = new Machine();
  const chain = machine.open();
  await machine.clock.advance(3 * SLOT_MS);
  machine.clock.setNow(machine.startMs + 30 * 86_400_000);
  await machine.clock.advance(3 * SLOT_MS);
  assert.ok(chain.height > 1);
  const { height } = chain;
  machine.clock.setNow(machine.startMs + 730 * 86_400_000);
  await machine.clock.advance(6 * SLOT_MS);
  assert.equal(chain.height, height);
  assert.match(chain.waitingFor!, /more than a year ahead/);
  chain.acceptClock();
  await machine.clock.advance(3 * SLOT_MS);
  assert.ok(chain.height > height);
  chain.close();
});

Deno.test("chain: another node's key is refused", async () => {
  using machine = new Machine();
  await withBlocks(machine, 1);
  const keys = { ...KEYS, consensus: signerOf("another") };
  assert.throws(
    () => machine.open({ keys }),
    /Cannot go on with the chain: its validator is/,
  );
});

Deno.test("chain.submit refuses with a code, and a final while an interim of its session waits", async () => {
  using machine = new Machine();
  const chain = machine.open();
  const { leaves, terms, bytes } = anchorFor(machine, chain);
  const rows = [{
    sessionId: SESSION,
    leafCount: 1,
    root: treeOf(leaves.slice(0, 1)).root(),
    path: new Uint8Array(),
  }];
  const code = (code: string) => (error: Error & { code?: string }) =>
    error.code === code;
  assert.throws(() => chain.submit(new Uint8Array(3)), code("chain/malformed"));
  assert.throws(
    () => chain.submit(chain.entry(0)!.bytes),
    code("chain/wrong-type"),
  );
  chain.submit(encodeInterimAnchors(rows, terms, node));
  assert.throws(() => chain.submit(bytes), code("chain/interim-pending"));
  await machine.clock.advance(SLOT_MS);
  assert.throws(() => chain.submit(bytes), code("chain/wrong-interim"));
  chain.close();
});

Deno.test("chain: of two finals for one session the second is struck, and said", async () => {
  using machine = new Machine();
  const chain = machine.open();
  const first = anchorFor(machine, chain);
  chain.submit(first.bytes);
  chain.submit(encodeFinalAnchor(
    {
      ...finalOf({ leaves: first.leaves, gapCount: 2 }),
      startedAtMs: 0,
      endedAtMs: machine.startMs,
    },
    first.terms,
    node,
  ));
  await machine.clock.advance(SLOT_MS);
  assert.equal(chain.pendingCount, 0);
  assert.ok(
    machine.lines.some((line) =>
      line.includes("entry struck") && line.includes("chain/already-final")
    ),
  );
  chain.close();
});

Deno.test("chain: the signer signs one block a height, again and again, and none below", () => {
  using machine = new Machine();
  const signer = () => new BlockSigner(machine.dir, KEYS.consensus);
  const chainId = bytesOf("chain");
  const block = (height: number, name: string) => ({
    chainId,
    height,
    blockId: bytesOf(name),
  });
  const first = signer().certify(block(1, "a"));
  assert.deepEqual(signer().certify(block(1, "a")), first);
  assert.throws(
    () => signer().certify(block(1, "b")),
    /another block 1 was signed/,
  );
  signer().certify(block(2, "c"));
  assert.throws(
    () => signer().certify(block(1, "a")),
    /another block 2 was signed/,
  );
});

Deno.test("chain: what was torn off is cut away, and said", async () => {
  using machine = new Machine();
  await withBlocks(machine, 2);
  const log = await Deno.readFile(machine.file("log"));
  await Deno.writeFile(machine.file("log"), new Uint8Array(3_000), {
    append: true,
  });
  machine.open().close();
  assert.deepEqual(await Deno.readFile(machine.file("log")), log);
  assert.ok(
    machine.lines.some((line) =>
      line.includes("chain log torn") && line.includes("3000")
    ),
  );
});
