import assert from "node:assert/strict";
import type { Host, Store } from "@lucid/runtime";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { readAnchor } from "../../chain/anchor.ts";
import { decodeEntry } from "../../chain/entry.ts";
import { encodeLeaf } from "../../chain/leaf.ts";
import { leafHash, merkleRoot } from "../../chain/merkle.ts";
import { verifyProof } from "../../chain/verify.ts";
import { openAnchoring } from "../../machine/anchoring.ts";
import { type Chain, openChain } from "../../machine/chain/chain.ts";
import type { DecidedBlock } from "../../machine/chain/decided_log.ts";
import { openDataFolder } from "../../machine/data_folder.ts";
import { openKeys } from "../../machine/keys.ts";
import { checkSession, proveLeaf, sealSession } from "../../machine/sealing.ts";
import { openVault, type Vault } from "../../recorder/vault.ts";
import { SILENT as log } from "../support/silent.ts";

const SESSION = "01JD0000000000000000000000";
const NODE_ID = "01JD00000000000000000000ND";
const T0 = 1_800_000_000_000;
const SLOT_MS = 1_000;

/** A node's keys, vault and chain on a clock that the test moves. */
async function world(): Promise<{
  /** Leaves from one index up to another, on disk and counted. */
  record(from: number, to: number): Promise<void>;
  readonly store: Store;
  readonly vault: Vault;
  readonly chain: Chain;
  readonly data: ReturnType<typeof openDataFolder>;
  readonly keys: Awaited<ReturnType<typeof openKeys>>;
  readonly clock: { now(): number; elapsedMs(): number; after(): () => void };
  readonly decided: DecidedBlock[];
  slot(): void;
  close(): Promise<void>;
}> {
  const dir = await Deno.makeTempDir();
  let now = T0;
  let tick = (): void => {};
  const clock = {
    now: () => now,
    elapsedMs: () => now - T0,
    after(_ms?: number, run?: () => void) {
      if (run !== undefined) tick = run;
      return () => {};
    },
  };
  const decided: DecidedBlock[] = [];
  const data = openDataFolder(dir, { newId: () => NODE_ID });
  const keys = await openKeys(data);
  const vault = await openVault({
    dir: data.file("segments"),
    workers: 1,
    freeBytesFloor: 0,
    log,
  });
  const chain = openChain({
    dir: data.file("chain"),
    keys,
    genesis: {
      network: "test",
      slotMs: SLOT_MS,
      epochBlocks: 8_640,
      emptyBlockEverySlots: 360,
    },
    clock,
    log,
    onDecided: (block) => decided.push(block),
  });
  const store = openMemoryStore();
  return {
    async record(from, to) {
      for (let index = from; index < to; index++) {
        const startMs = T0 + index;
        const times = { startMs, endMs: startMs + 1 };
        const gap = { sessionId: SESSION, index, ...times, reason: "test" };
        const { leaf } = await vault.gap(gap);
        await store.insertRows([{
          table: "chunks",
          key: `${SESSION}/${String(index).padStart(7, "0")}`,
          value: { leaf: leaf.toHex() },
        }]);
      }
    },
    store,
    vault,
    chain,
    data,
    keys,
    clock,
    decided,
    slot() {
      now += SLOT_MS;
      tick();
    },
    async close() {
      await store.close();
      chain.close();
      await vault.close();
      data.close();
      await Deno.remove(dir, { recursive: true });
    },
  };
}

/** What the manifest says of a session that has nothing but gaps. */
function ofGaps(count: number, root: Uint8Array) {
  return {
    owner: "somebody",
    name: "",
    root: root.toHex(),
    leafCount: count,
    gapCount: count,
    ctBytes: 0,
    startedAt: T0,
    endedAt: T0 + count,
  };
}

Deno.test("a session that grew for two minutes is anchored in between, and its end proves it only grew", async () => {
  const {
    record,
    store,
    vault,
    chain,
    data,
    keys,
    clock,
    decided,
    slot,
    close,
  } = await world();
  try {
    const anchoring = openAnchoring({ node: NODE_ID, keys, store, chain, log });
    const work = (input: unknown) => ({
      address: `round/${NODE_ID}/main`,
      node: NODE_ID,
      id: "main",
      key: "k",
      input,
      signal: new AbortController().signal,
    });
    const grow = async (leafCount: number): Promise<number> => {
      const sessions = [{ sessionId: SESSION, leafCount }];
      const { entries } = await anchoring.effects["round.signGrowth"]!(
        work({ sessions }),
      ) as { entries: { entryId: string; entry: string }[] };
      for (const entry of entries) {
        assert.deepEqual(
          await anchoring.effects["round.include"]!(work(entry)),
          { entryId: entry.entryId },
        );
      }
      return entries.length;
    };
    await record(0, 3);
    assert.equal(await grow(3), 1);
    assert.equal(await grow(3), 0, "one that waits is not joined by another");
    slot();
    assert.equal(await grow(3), 0, "what has not grown is not anchored again");
    await record(3, 8);
    assert.equal(await grow(8), 1);
    slot();
    const interims = decided.flatMap(({ entries }) =>
      entries.filter(({ type }) => type === 12)
    );
    assert.equal(interims.length, 2);

    await record(8, 11);
    const leaves = await vault.leaves(SESSION);
    const options = {
      data,
      keys,
      vault,
      store,
      chain,
      clock,
      software: "test/1",
    };
    const root = merkleRoot(leaves.map(({ leaf }) => leaf));
    const summary = ofGaps(11, root);
    const sealed = await sealSession(SESSION, summary, options);
    const anchor = readAnchor(decodeEntry(Uint8Array.fromBase64(sealed.entry)));
    assert.ok(anchor.kind === "final");
    assert.equal(anchor.lastInterim?.index, interims[1]!.index);
    assert.equal(
      (await sealSession(SESSION, summary, options)).manifestHash,
      sealed.manifestHash,
      "sealing again finds the manifest it wrote",
    );

    chain.submit(Uint8Array.fromBase64(sealed.entry));
    slot();
    const place = chain.find(Uint8Array.fromHex(sealed.entryId));
    assert.equal(place?.height, 3);
    const entryIndex = place!.index;
    assert.equal(
      await checkSession(SESSION, { entryIndex }, options),
      undefined,
    );
    const proof = await proveLeaf(SESSION, { index: 5, entryIndex }, options);
    const { answer } = verifyProof({
      proof,
      trust: chain.trust(),
      nowMs: clock.now(),
    });
    assert.equal(answer, "VALID(single-operator)");
  } finally {
    await close();
  }
});

Deno.test("sealing waits for an interim anchor that has no block yet, and for the rows of the last commit", async () => {
  const { record, store, vault, chain, data, keys, clock, slot, close } =
    await world();
  try {
    const anchoring = openAnchoring({ node: NODE_ID, keys, store, chain, log });
    await record(0, 1);
    const leaf = encodeLeaf({
      kind: "gap",
      index: 0,
      startMs: T0,
      endMs: T0 + 1,
      reason: "test",
    });
    const options = {
      data,
      keys,
      vault,
      store,
      chain,
      clock,
      software: "test/1",
    };
    const summary = ofGaps(1, leafHash(leaf));
    const sessions = [{ sessionId: SESSION, leafCount: 1 }];
    const { entries } = await anchoring.effects["round.signGrowth"]!({
      address: "",
      node: NODE_ID,
      id: "main",
      key: "k",
      input: { sessions },
      signal: new AbortController().signal,
    }) as { entries: { entry: string }[] };
    chain.submit(Uint8Array.fromBase64(entries[0]!.entry));
    await assert.rejects(sealSession(SESSION, summary, options), {
      code: "sealing/not-yet",
      kind: "unavailable",
    });
    slot();
    await sealSession(SESSION, summary, options);
    await assert.rejects(
      sealSession(SESSION, { ...summary, leafCount: 2 }, options),
      { code: "leaves/not-yet", kind: "unavailable" },
    );
  } finally {
    await close();
  }
});

Deno.test("what a round still waited for when its process died is told or handed in again", async () => {
  const { record, store, chain, keys, slot, close } = await world();
  try {
    const anchoring = openAnchoring({ node: NODE_ID, keys, store, chain, log });
    await record(0, 1);
    const { entries } = await anchoring.effects["round.signGrowth"]!({
      address: "",
      node: NODE_ID,
      id: "main",
      key: "k",
      input: { sessions: [{ sessionId: SESSION, leafCount: 1 }] },
      signal: new AbortController().signal,
    }) as { entries: { entryId: string; entry: string }[] };
    const [{ entryId, entry }] = entries as [typeof entries[0]];
    const pending = [{ entry_id: entryId, entry }];
    const said: [string, unknown][] = [];
    const host = {
      ask: () => Promise.resolve({ pending }),
      report: (_p: unknown, _a: string, command: string, input: unknown) => {
        said.push([command, input]);
        return Promise.resolve({});
      },
    } as unknown as Host;

    await anchoring.begin(host);
    assert.equal(chain.pendingCount, 1, "handed in");
    slot();
    await anchoring.begin(host);
    assert.equal(said.length, 1);
    const [command, input] = said[0]!;
    assert.equal(command, "decided");
    assert.deepEqual(
      (input as { entries: unknown }).entries,
      [{ entryId, entryIndex: 1 }],
    );
    pending[0]!.entry = entry.replace(/^..../, "AAAA");
    pending[0]!.entry_id = "00".repeat(32);
    await anchoring.begin(host);
    assert.equal(said[1]![0], "included", "refused, and said so");
    assert.match(
      (said[1]![1] as { failure: string }).failure,
      /^Cannot .+/,
    );
  } finally {
    await close();
  }
});
