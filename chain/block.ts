/**
 * Blocks: the certificate of the block before, users' entries, and the header to which these, the time and the block
 * before lead. There is one description of a block: to check one is to make it again.
 *
 * @module
 */
import type { Draft } from "./draft.ts";
import { paramsHash } from "./genesis.ts";
import { type Bytes, ZERO_HASH } from "./hash.ts";
import {
  blockIdOf,
  checkGrid,
  checkOrder,
  closesEpoch,
  decodeHeader,
  encodeHeader,
  epochOf,
  firstSeed,
  type Header,
  nextSeed,
  slotOf,
} from "./header.ts";
import { frontierRoot } from "./merkle.ts";
import { stateHash } from "./state_hash.ts";
import { validatorsHash } from "./validators.ts";

/** A block with all of its entries, the header last. */
export interface Block {
  readonly header: Header;
  readonly blockId: Bytes;
  readonly entries: readonly Uint8Array[];
  /** Ids of the users' entries among them, in hex and in order. */
  readonly ids: readonly string[];
}

/**
 * The block that a draft becomes.
 *
 * @throws {FormatError} If the time does not lie in a slot after the newest block's.
 */
export function closeBlock(
  draft: Draft,
  { timeMs }: { readonly timeMs: number },
): Block {
  const { chainId, genesis, tip, entryCount } = draft.ground;
  const { params, validators } = genesis;
  const { height } = draft;
  const setHash = validatorsHash(validators);
  const header: Header = {
    chainId,
    height,
    slot: Math.max(0, slotOf(timeMs, params)),
    timeMs,
    prevBlockId: tip.blockId,
    firstIndex: entryCount,
    preSize: draft.entryCount,
    preRoot: frontierRoot(draft.frontier),
    validatorsHash: setHash,
    nextValidatorsHash: setHash,
    creator: validators[0]!.consensusKey,
    originRound: 0,
    vrfProof: new Uint8Array(),
    seed: nextSeed(tip.header?.seed ?? firstSeed(chainId), new Uint8Array()),
    epoch: epochOf(height, params),
    stateHash: closesEpoch(height, params)
      ? stateHash(genesis, draft.allSessions())
      : ZERO_HASH,
    paramsHash: paramsHash(params),
  };
  const bytes = encodeHeader(header);
  decodeHeader(bytes);
  checkGrid(header, params);
  if (tip.header !== undefined) checkOrder(tip, header);
  return {
    header,
    blockId: blockIdOf(bytes),
    entries: [...draft.entries, bytes],
    ids: [...draft.ids.keys()],
  };
}
