/**
 * Entry 0: what a chain is called, on which grid of time it makes blocks, what it limits and who keeps it. Its leaf
 * hash is the chain's id, so two chains with one id have one genesis.
 *
 * @module
 */
import {
  asArray,
  asBytes,
  asInteger,
  asMap,
  asText,
  encode,
  requireRising,
  type Value,
} from "./canonical.ts";
import { KEY_BYTES } from "./ed25519.ts";
import {
  decodeEntry,
  encodeUnsigned,
  ENTRY_BYTES_MAX,
  ENTRY_TYPES,
} from "./entry.ts";
import { require } from "./error.ts";
import { type Bytes, compareBytes, HASH_BYTES, sha256, tag } from "./hash.ts";
import { leafHash } from "./merkle.ts";
import {
  type Certificate,
  certificateValue,
  readCertificate,
} from "./quorum.ts";
import {
  readValidators,
  type Validator,
  validatorsValue,
} from "./validators.ts";

/** What every block of the chain keeps to (genesis fields 10–16). */
export interface Params {
  /** 1–32 bytes, for people. */
  readonly network: string;
  /** When slot 0 began, in milliseconds since the Unix epoch. */
  readonly t0Ms: number;
  readonly slotMs: number;
  readonly epochBlocks: number;
  /** After so many slots without a block, one without entries is made. */
  readonly emptyBlockEverySlots: number;
  readonly limits: {
    readonly userEntryBytes: number;
    readonly entryBytes: number;
    readonly blockBytes: number;
    /** How far ahead of the including block an entry's expiry may lie. */
    readonly expiryBlocks: number;
  };
}

/** The chain that this one succeeds. */
export interface Predecessor {
  readonly chainId: Bytes;
  /** The last checkpoint that counts: how many entries, and the root over them. */
  readonly size: number;
  readonly root: Bytes;
  readonly certificate: Certificate;
}

/** Entry 0, taken apart. */
export interface Genesis {
  readonly params: Params;
  /** Ascending by consensus key. */
  readonly validators: readonly Validator[];
  /** Node keys, ascending. */
  readonly nodes: readonly Bytes[];
  readonly predecessor?: Predecessor;
}

/**
 * The bytes of entry 0.
 *
 * @throws {FormatError} If a bound of the format does not hold.
 */
export function encodeGenesis(
  { params, validators, nodes, predecessor }: Genesis,
): Bytes {
  const body = new Map<number, Value>([
    ...paramsValue(params),
    [17, validatorsValue(validators)],
    [18, nodes.toSorted(compareBytes)],
  ]);
  if (predecessor !== undefined) {
    const { chainId, size, root, certificate } = predecessor;
    body.set(
      19,
      new Map<number, Value>([[1, chainId], [2, size], [3, root], [
        4,
        certificateValue(certificate),
      ]]),
    );
  }
  const bytes = encodeUnsigned(ENTRY_TYPES.genesis, body);
  decodeGenesis(bytes);
  return bytes;
}

/**
 * Read entry 0.
 *
 * @throws {FormatError} If the bytes are not exactly a genesis, or a bound of the format does not hold.
 */
export function decodeGenesis(bytes: Uint8Array): Genesis {
  const entry = decodeEntry(bytes);
  require(
    entry.type === ENTRY_TYPES.genesis,
    "Cannot read a genesis: the entry has another type",
  );
  const body = asMap(entry.body, "a genesis", [
    10,
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
  ], [19]);
  const validators = readValidators(body.get(17), "validators of a genesis");
  const nodes = asArray(body.get(18), "nodes of a genesis").map((key) =>
    asBytes(key, "a node key", KEY_BYTES)
  );
  requireRising(nodes, "nodes of a genesis");
  const keys = [
    ...validators.flatMap((
      each,
    ) => [each.consensusKey, each.vrfKey, each.cosignKey]),
    ...nodes,
  ];
  require(
    new Set(keys.map((key) => key.toHex())).size === keys.length,
    "Cannot read a genesis: a key occurs twice",
  );
  return {
    params: readParams(body),
    validators,
    nodes,
    ...(body.has(19) ? { predecessor: readPredecessor(body.get(19)) } : {}),
  };
}

/** H(0x00 ‖ entry 0): also the id of block 0. */
export function chainIdOf(genesis: Uint8Array): Bytes {
  return leafHash(genesis);
}

/** What a header says of the params in force. */
export function paramsHash(params: Params): Bytes {
  return sha256(tag("lucid_blocks/params/v1"), encode(paramsValue(params)));
}

/** Fields 10–16 as a map. */
export function paramsValue(params: Params): ReadonlyMap<number, Value> {
  const { userEntryBytes, entryBytes, blockBytes, expiryBlocks } =
    params.limits;
  return new Map<number, Value>([
    [10, 1],
    [11, params.network],
    [12, params.t0Ms],
    [13, params.slotMs],
    [14, params.epochBlocks],
    [15, params.emptyBlockEverySlots],
    [
      16,
      new Map([[1, userEntryBytes], [2, entryBytes], [3, blockBytes], [
        4,
        expiryBlocks,
      ]]),
    ],
  ]);
}

function readParams(body: ReadonlyMap<number, Value>): Params {
  const integer = (key: number) =>
    asInteger(body.get(key), `field ${key} of a genesis`);
  const limits = asMap(body.get(16), "limits of a genesis", [1, 2, 3, 4]);
  const limit = (key: number) =>
    asInteger(limits.get(key), `limit ${key} of a genesis`);
  const network = asText(body.get(11), "network of a genesis");
  const networkBytes = new TextEncoder().encode(network).length;
  require(
    integer(10) === 1,
    `Cannot read a genesis: its version is ${integer(10)}`,
  );
  require(
    networkBytes >= 1 && networkBytes <= 32,
    "Cannot read a genesis: the network's name has not 1 to 32 bytes",
  );
  const params = {
    network,
    t0Ms: integer(12),
    slotMs: integer(13),
    epochBlocks: integer(14),
    emptyBlockEverySlots: integer(15),
    limits: {
      userEntryBytes: limit(1),
      entryBytes: limit(2),
      blockBytes: limit(3),
      expiryBlocks: limit(4),
    },
  };
  const positive = [
    params.slotMs,
    params.epochBlocks,
    params.emptyBlockEverySlots,
    ...Object.values(params.limits),
  ];
  require(
    positive.every((number) => number > 0),
    "Cannot read a genesis: a length or limit is zero",
  );
  const { userEntryBytes, entryBytes, blockBytes } = params.limits;
  require(
    userEntryBytes <= entryBytes && entryBytes <= ENTRY_BYTES_MAX &&
      entryBytes <= blockBytes,
    "Cannot read a genesis: its limits contradict each other",
  );
  return params;
}

function readPredecessor(value: Value | undefined): Predecessor {
  const fields = asMap(value, "predecessor of a genesis", [1, 2, 3, 4]);
  return {
    chainId: asBytes(fields.get(1), "chainId of a predecessor", HASH_BYTES),
    size: asInteger(fields.get(2), "size of a predecessor"),
    root: asBytes(fields.get(3), "root of a predecessor", HASH_BYTES),
    certificate: readCertificate(fields.get(4)),
  };
}
