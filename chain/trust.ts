/**
 * Trust files: what a verifier believes beforehand. One names a chain by its genesis, and a height up to which its
 * history is settled; the set in force after that height is who may speak for the chain. A proof means something only
 * against a trust file that did not come with it.
 *
 * @module
 */
import { require } from "./error.ts";
import { chainIdOf, decodeGenesis, type Genesis } from "./genesis.ts";
import { type Bytes, HASH_BYTES, sameBytes } from "./hash.ts";
import {
  type Json,
  jsonBase64,
  jsonHex,
  jsonInteger,
  jsonObject,
  jsonString,
  parseStrictJson,
} from "./strict_json.ts";
import {
  readValidatorsJson,
  type Validator,
  validatorsHash,
  validatorsJson,
} from "./validators.ts";

const FORMAT = "lucid-trust/1";

/** A trust file, taken apart. */
export interface Trust {
  readonly chainId: Bytes;
  readonly genesis: Genesis;
  /** Entry 0. */
  readonly genesisBytes: Bytes;
  /** The newest block that counts as settled; 0 for the genesis alone. */
  readonly height: number;
  readonly blockId: Bytes;
  /** In force at `height + 1`, ascending. */
  readonly validators: readonly Validator[];
  /** Entries up to and with the header of `height`, and the root over them; absent at height 0. */
  readonly checkpoint?: { readonly size: number; readonly root: Bytes };
  /** A C2SP policy, as text. */
  readonly policy?: Bytes;
  /** Milliseconds since the Unix epoch; later than this the file says nothing. */
  readonly validUntilMs?: number;
  /** The chain before this one. */
  readonly predecessor?: Trust;
}

/**
 * The trust file of a chain at its genesis.
 *
 * @param genesis Entry 0.
 * @returns The file's text.
 */
export function trustFileText(genesis: Uint8Array): string {
  const { validators } = decodeGenesis(genesis);
  const file = {
    format: FORMAT,
    genesis: genesis.toBase64(),
    height: 0,
    blockId: chainIdOf(genesis).toHex(),
    validators: validatorsJson(validators),
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

/**
 * Read a trust file.
 *
 * @throws {FormatError} If it is not exactly one, or contradicts itself.
 */
export function parseTrust(text: string): Trust {
  return readTrust(parseStrictJson(text));
}

function readTrust(json: Json): Trust {
  const file = jsonObject(json, "a trust file", {
    keys: ["format", "genesis", "height", "blockId", "validators"],
    optional: ["size", "root", "policy", "validUntil", "predecessor"],
  });
  const format = jsonString(file.get("format"), "format of a trust file");
  require(
    format === FORMAT,
    `Cannot read a trust file: its format is ${format}, not ${FORMAT}`,
  );
  const genesisBytes = jsonBase64(
    file.get("genesis"),
    "genesis of a trust file",
  );
  const size = file.get("size");
  const root = file.get("root");
  require(
    (size === undefined) === (root === undefined),
    "Cannot read a trust file: size and root come together",
  );
  const checkpoint = size === undefined ? undefined : {
    size: jsonInteger(size, "size of a trust file"),
    root: jsonHex(root, "root of a trust file", HASH_BYTES),
  };
  const predecessor = file.get("predecessor");
  const trust: Trust = {
    genesisBytes,
    genesis: decodeGenesis(genesisBytes),
    chainId: chainIdOf(genesisBytes),
    height: jsonInteger(file.get("height"), "height of a trust file"),
    blockId: jsonHex(
      file.get("blockId"),
      "blockId of a trust file",
      HASH_BYTES,
    ),
    validators: readValidatorsJson(
      file.get("validators"),
      "validators of a trust file",
    ),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(file.has("policy")
      ? { policy: jsonBase64(file.get("policy"), "policy of a trust file") }
      : {}),
    ...(file.has("validUntil")
      ? {
        validUntilMs: jsonInteger(
          file.get("validUntil"),
          "validUntil of a trust file",
        ),
      }
      : {}),
    ...(predecessor === undefined
      ? {}
      : { predecessor: readTrust(predecessor) }),
  };
  checkTrust(trust);
  return trust;
}

function checkTrust(trust: Trust): void {
  const { genesis, height, checkpoint, predecessor } = trust;
  if (height === 0) {
    require(
      sameBytes(trust.blockId, trust.chainId),
      "Cannot use a trust file: block 0 is the genesis, not another",
    );
    require(
      sameBytes(
        validatorsHash(trust.validators),
        validatorsHash(genesis.validators),
      ),
      "Cannot use a trust file: at height 0 the set is that of the genesis",
    );
    require(
      checkpoint === undefined,
      "Cannot use a trust file: at height 0 there is no checkpoint",
    );
  } else {
    require(
      checkpoint !== undefined,
      "Cannot use a trust file: above height 0 it needs size and root",
    );
    require(
      checkpoint.size > height,
      "Cannot use a trust file: its size is too small for its height",
    );
  }
  if (predecessor === undefined) return;
  require(
    genesis.predecessor !== undefined,
    "Cannot use a trust file: its genesis names no predecessor",
  );
  require(
    sameBytes(genesis.predecessor.chainId, predecessor.chainId),
    "Cannot use a trust file: its genesis names another predecessor",
  );
}
