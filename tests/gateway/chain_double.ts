/**
 * A chain of three blocks, in canonical bytes: the genesis, an empty block, and one with an entry that nobody signed.
 *
 * @module
 */
import type { Value } from "../../chain/canonical.ts";
import { encode } from "../../chain/canonical.ts";
import { encodeUnsigned, entryId } from "../../chain/entry.ts";
import { decodeEntry } from "../../chain/entry.ts";
import { blockIdOf, encodeHeader } from "../../chain/header.ts";
import { leafHash } from "../../chain/merkle.ts";
import type { Block, ChainReader, Transaction } from "../../gateway/ports.ts";
import { ulidBytes } from "../../chain/ulid.ts";

const T0_MS = 1_700_000_000_000;
const HASH = new Uint8Array(32).fill(7);
const SESSION = "01JD0000000000000000000000";

/** An anchor whose signature is noise: the gateway shows entries, it does not judge them. */
export const ANCHOR: Uint8Array<ArrayBuffer> = encode([
  1,
  new Map<number, Value>([
    [0, HASH],
    [1, [HASH]],
    [2, 100],
    [10, ulidBytes(SESSION)],
    [12, HASH],
    [13, 3],
  ]),
  [new Uint8Array(64)],
]);
/** Its id, and that of another one which waits. */
export const ANCHOR_ID = nameOf(ANCHOR);
export const WAITING_ID = "ee".repeat(32);

function nameOf(bytes: Uint8Array): string {
  return entryId(decodeEntry(bytes)).toHex();
}

function blocks(): Block[] {
  const genesis = encodeUnsigned(0, new Map<number, Value>([[11, "test"]]));
  const chainId = leafHash(genesis);
  const made: Block[] = [{
    height: 0,
    blockId: chainId.toHex(),
    entries: [{ index: 0, entryId: nameOf(genesis), bytes: genesis }],
  }];
  const add = (height: number, bytes: readonly Uint8Array[]) => {
    const firstIndex = made.reduce((sum, one) => sum + one.entries.length, 0);
    const header = encodeHeader({
      chainId,
      height,
      slot: height,
      timeMs: T0_MS + height,
      prevBlockId: Uint8Array.fromHex(made.at(-1)!.blockId),
      firstIndex,
      preSize: firstIndex + bytes.length,
      preRoot: HASH,
      validatorsHash: HASH,
      nextValidatorsHash: HASH,
      creator: HASH,
      originRound: 0,
      vrfProof: new Uint8Array(0),
      seed: HASH,
      epoch: 0,
      stateHash: new Uint8Array(32),
      paramsHash: HASH,
    });
    made.push({
      height,
      blockId: blockIdOf(header).toHex(),
      header,
      entries: [...bytes, header].map((entry, at) => ({
        index: firstIndex + at,
        entryId: nameOf(entry),
        bytes: entry,
      })),
    });
  };
  add(1, []);
  const commit = encodeUnsigned(7, new Map<number, Value>([[10, 1]]));
  add(2, [commit, ANCHOR]);
  return made;
}

/** The chain as its files would show it. */
export function testChain(): ChainReader {
  const all = blocks();
  const tip = all.at(-1)!;
  const transactions: Record<string, Transaction> = {
    [ANCHOR_ID]: {
      bytes: ANCHOR,
      decided: { height: 2, blockId: tip.blockId, index: 3 },
    },
    [WAITING_ID]: { bytes: ANCHOR },
  };
  return {
    info: () =>
      Promise.resolve({
        network: "test",
        chainId: all[0]!.blockId,
        height: tip.height,
        blockId: tip.blockId,
        blockTimeMs: T0_MS + tip.height,
        entries: 5,
        root: HASH.toHex(),
        pending: 1,
        slotMs: 1_000,
        validators: 1,
      }),
    block: (at) =>
      Promise.resolve(
        all.find(({ height, blockId }) => height === at || blockId === at),
      ),
    blocks: ({ from, limit }) =>
      Promise.resolve(
        all.filter(({ height }) => height <= from).reverse().slice(0, limit),
      ),
    transaction: (id) =>
      Promise.resolve(
        Object.hasOwn(transactions, id) ? transactions[id] : undefined,
      ),
    trust: () => Promise.resolve('{"format":"lucid-trust/1"}\n'),
  };
}
