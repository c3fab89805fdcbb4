/**
 * Whose turn it is: the epochs that a node has claimed. The store is the final fence; an epoch is
 * the first part of it.
 *
 * @module
 */

/** What a node has claimed. */
export interface Claims {
  /** Epoch under which this node owns `shard`. */
  shardEpoch(shard: number): number;
  /** Epoch of what is pinned to this node: its boot counter. */
  nodeEpoch(): number;
}

/**
 * Claims of a process that is alone with its data folder: whoever holds the folder's lock owns
 * every shard, and the boot counter is the epoch.
 *
 * @param boot How often the folder was opened, this time included; raised before the host opens.
 */
export function soleClaims(boot: number): Claims {
  return { shardEpoch: () => boot, nodeEpoch: () => boot };
}
