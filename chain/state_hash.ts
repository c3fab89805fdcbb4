/**
 * The state in one hash, which the last header of an epoch holds: who keeps the chain, and which sessions are open.
 *
 * @module
 */
import { encode } from "./canonical.ts";
import { type Genesis, paramsValue } from "./genesis.ts";
import { type Bytes, sha256, tag } from "./hash.ts";
import type { Session } from "./session.ts";
import { ulidBytes } from "./ulid.ts";
import { validatorsValue } from "./validators.ts";

/**
 * What a header says of the state after its block's entries.
 *
 * @param sessions By {@linkcode keyOf}; final ones are left out.
 */
export function stateHash(
  { params, nodes, validators }: Genesis,
  sessions: ReadonlyMap<string, Session>,
): Bytes {
  const open = [...sessions]
    .filter(([, { final }]) => !final)
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([, { recorderKey, sessionId, leafCount, root, index }]) => [
      recorderKey,
      ulidBytes(sessionId),
      leafCount,
      root,
      index,
    ]);
  const set = validatorsValue(validators);
  // No node has a score yet.
  return sha256(
    tag("lucid_blocks/state/v1"),
    encode([paramsValue(params), nodes, set, set, [], open]),
  );
}
