/**
 * Entry 0 of a chain that this node keeps: how it is made, and whether it is this node's.
 *
 * @module
 */
import { type Clock, LucidError } from "@lucid/runtime";
import type { Signer } from "../../chain/entry.ts";
import {
  encodeGenesis,
  type Genesis,
  type Params,
} from "../../chain/genesis.ts";
import { type Bytes, sameBytes } from "../../chain/hash.ts";

/** What a new chain allows: a C2SP bundle's entry, and a block that fits a NATS message of 1 MiB. */
const LIMITS: Params["limits"] = {
  userEntryBytes: 16 * 1024,
  entryBytes: 65_535,
  blockBytes: 768 * 1024,
  expiryBlocks: 8_640,
};

/** The keys of a node that keeps a chain. */
export interface ChainKeys {
  readonly consensus: Signer;
  readonly vrf: Signer;
  readonly cosign: Signer;
  readonly node: Signer;
}

/** What a new chain is made with; an old one keeps its own. */
export type ChosenParams = Pick<
  Params,
  "network" | "slotMs" | "epochBlocks" | "emptyBlockEverySlots"
>;

/** Entry 0 of a new chain, of which slot 0 begins now. */
export function foundChain(
  { keys, genesis, clock }: {
    readonly keys: ChainKeys;
    readonly genesis: ChosenParams;
    readonly clock: Pick<Clock, "now">;
  },
): Bytes {
  const key = (signer: Signer) => new Uint8Array(signer.publicKey);
  return encodeGenesis({
    params: { ...genesis, t0Ms: clock.now(), limits: LIMITS },
    validators: [{
      consensusKey: key(keys.consensus),
      vrfKey: key(keys.vrf),
      cosignKey: key(keys.cosign),
    }],
    nodes: [key(keys.node)],
  });
}

/**
 * Refuse a chain that another node keeps.
 *
 * @param key This node's consensus key.
 * @throws {LucidError} `chain/foreign-key`.
 */
export function checkKeeper(
  { validators }: Genesis,
  { publicKey }: Pick<Signer, "publicKey">,
): void {
  const [{ consensusKey }] = validators as [Genesis["validators"][number]];
  if (sameBytes(consensusKey, publicKey)) return;
  throw new LucidError(
    "chain/foreign-key",
    "conflict",
    `Cannot go on with the chain: its validator is ${consensusKey.toHex()}, this node's consensus key is ` +
      `${
        new Uint8Array(publicKey).toHex()
      }; put the right key back, or start a successor chain`,
  );
}
