/**
 * Headers: the last entry of every block but the first. A header fixes when its block was made, where it begins and
 * ends in the log, the root over everything before it, and who may decide the next. Its leaf hash is the block's id,
 * so a certificate over it is a certificate over a leaf of the log.
 *
 * @module
 */
import { asBytes, asInteger, asMap, type Value } from "./canonical.ts";
import { KEY_BYTES } from "./ed25519.ts";
import { decodeEntry, encodeUnsigned, ENTRY_TYPES } from "./entry.ts";
import { require } from "./error.ts";
import type { Params } from "./genesis.ts";
import {
  type Bytes,
  HASH_BYTES,
  sameBytes,
  sha256,
  tag,
  ZERO_HASH,
} from "./hash.ts";
import { leafHash } from "./merkle.ts";

/** An ECVRF-EDWARDS25519-SHA512-TAI proof (RFC 9381). A set of one needs no lot, and has none. */
const VRF_PROOF_BYTES = 80;

/** Every field, and no other. */
const KEYS: readonly number[] = Array.from({ length: 18 }, (_, at) => at + 1);

/** Header of block `height`. */
export interface Header {
  readonly chainId: Bytes;
  readonly height: number;
  readonly slot: number;
  readonly timeMs: number;
  readonly prevBlockId: Bytes;
  /** Index of the block's first entry. */
  readonly firstIndex: number;
  /** Index of the header itself, and so how many entries come before it. */
  readonly preSize: number;
  /** Root over those. */
  readonly preRoot: Bytes;
  /** Of the set that decides this block. */
  readonly validatorsHash: Bytes;
  /** Of the set that decides the next. */
  readonly nextValidatorsHash: Bytes;
  /** Consensus key of who made the block. */
  readonly creator: Bytes;
  readonly originRound: number;
  readonly vrfProof: Bytes;
  readonly seed: Bytes;
  readonly epoch: number;
  /** Of the state after this block's entries, in the last block of an epoch; else zeros. */
  readonly stateHash: Bytes;
  readonly paramsHash: Bytes;
}

/** The bytes of a header entry. */
export function encodeHeader(header: Header): Bytes {
  const body = new Map<number, Value>([
    [1, 1],
    [2, header.chainId],
    [3, header.height],
    [4, header.slot],
    [5, header.timeMs],
    [6, header.prevBlockId],
    [7, header.firstIndex],
    [8, header.preSize],
    [9, header.preRoot],
    [10, header.validatorsHash],
    [11, header.nextValidatorsHash],
    [12, header.creator],
    [13, header.originRound],
    [14, header.vrfProof],
    [15, header.seed],
    [16, header.epoch],
    [17, header.stateHash],
    [18, header.paramsHash],
  ]);
  return encodeUnsigned(ENTRY_TYPES.header, body);
}

/**
 * Read a header entry.
 *
 * @throws {FormatError} If the bytes are not exactly a header, or it contradicts itself.
 */
export function decodeHeader(bytes: Uint8Array): Header {
  const entry = decodeEntry(bytes);
  require(
    entry.type === ENTRY_TYPES.header,
    "Cannot read a header: the entry has another type",
  );
  const body = asMap(entry.body, "a header", KEYS);
  const integer = (key: number) =>
    asInteger(body.get(key), `field ${key} of a header`);
  const hash = (key: number) =>
    asBytes(body.get(key), `field ${key} of a header`, HASH_BYTES);
  require(
    integer(1) === 1,
    `Cannot read a header: its version is ${integer(1)}`,
  );
  const header: Header = {
    chainId: hash(2),
    height: integer(3),
    slot: integer(4),
    timeMs: integer(5),
    prevBlockId: hash(6),
    firstIndex: integer(7),
    preSize: integer(8),
    preRoot: hash(9),
    validatorsHash: hash(10),
    nextValidatorsHash: hash(11),
    creator: asBytes(body.get(12), "creator of a header", KEY_BYTES),
    originRound: integer(13),
    vrfProof: asBytes(body.get(14), "vrfProof of a header"),
    seed: hash(15),
    epoch: integer(16),
    stateHash: hash(17),
    paramsHash: hash(18),
  };
  checkHeader(header);
  return header;
}

function checkHeader(header: Header): void {
  const { height, firstIndex, preSize, vrfProof } = header;
  const what = `Cannot read header ${height}`;
  require(height >= 1, `${what}: block 0 has none`);
  require(header.slot >= 1, `${what}: slot 0 is the genesis`);
  require(header.originRound <= 0xffff_ffff, `${what}: a round has 32 bits`);
  require(
    [0, VRF_PROOF_BYTES].includes(vrfProof.length),
    `${what}: its VRF proof has ${vrfProof.length} bytes`,
  );
  require(
    userEntriesStart(header) <= preSize,
    `${what}: the block ends before it begins`,
  );
  if (height > 1) return;
  require(firstIndex === 1, `${what}: block 1 begins at entry 1`);
  require(
    sameBytes(header.prevBlockId, header.chainId),
    `${what}: block 1 follows the genesis`,
  );
}

/** Index of a block's first entry that users sent: after its commit entry, which block 1 has not. */
export function userEntriesStart(
  { height, firstIndex }: Pick<Header, "height" | "firstIndex">,
): number {
  return height > 1 ? firstIndex + 1 : firstIndex;
}

/** H(0x00 ‖ header entry). */
export function blockIdOf(header: Uint8Array): Bytes {
  return leafHash(header);
}

/** The slot in which a moment lies. */
export function slotOf(timeMs: number, { t0Ms, slotMs }: Params): number {
  return Math.floor((timeMs - t0Ms) / slotMs);
}

/** The epoch in which a height lies. */
export function epochOf(height: number, { epochBlocks }: Params): number {
  return Math.floor((height - 1) / epochBlocks);
}

/** Whether a height closes an epoch: only there may the set change, and there the state is hashed. */
export function closesEpoch(height: number, { epochBlocks }: Params): boolean {
  return height % epochBlocks === 0;
}

/** The seed before block 1. */
export function firstSeed(chainId: Uint8Array): Bytes {
  return sha256(tag("lucid_blocks/seed0/v1"), chainId);
}

/** The seed after one more block; `beta` is the output of its VRF, empty for a set of one. */
export function nextSeed(seed: Uint8Array, beta: Uint8Array): Bytes {
  return sha256(tag("lucid_blocks/seed/v1"), seed, beta);
}

/** Refuse a header that does not lie on the grid of its genesis. */
export function checkGrid(header: Header, params: Params): void {
  const { height, slot, epoch, timeMs } = header;
  const what = `Cannot accept header ${height}`;
  require(
    slot === slotOf(timeMs, params),
    `${what}: its time lies in slot ${slotOf(timeMs, params)}, not ${slot}`,
  );
  require(
    epoch === epochOf(height, params),
    `${what}: its height lies in epoch ${
      epochOf(height, params)
    }, not ${epoch}`,
  );
  if (closesEpoch(height, params)) return;
  require(
    sameBytes(header.stateHash, ZERO_HASH),
    `${what}: the state is hashed only where an epoch closes`,
  );
  require(
    sameBytes(header.validatorsHash, header.nextValidatorsHash),
    `${what}: the set changes only where an epoch closes`,
  );
}

/** Refuse a header that cannot be in one chain with a block before it. */
export function checkOrder(
  { header: earlier, blockId }: {
    readonly header: Header;
    readonly blockId: Uint8Array;
  },
  later: Header,
): void {
  const what = `Cannot accept header ${later.height} after ${earlier.height}`;
  require(earlier.height < later.height, `${what}: heights do not rise`);
  require(
    earlier.slot < later.slot && earlier.timeMs < later.timeMs,
    `${what}: times do not rise`,
  );
  require(earlier.preSize < later.firstIndex, `${what}: the blocks overlap`);
  if (earlier.height + 1 < later.height) return;
  require(
    earlier.preSize + 1 === later.firstIndex,
    `${what}: the blocks do not touch`,
  );
  require(
    sameBytes(blockId, later.prevBlockId),
    `${what}: it follows another block`,
  );
}
