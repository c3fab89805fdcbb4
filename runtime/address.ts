/**
 * How actors are named, and where a name belongs.
 *
 * A *sharded* actor is `kind/id`: one live activation in the cluster, on the node that owns its
 * shard. A *pinned* one is `kind/node/id`: it lives on the node that has the hardware.
 *
 * @module
 */
import { LucidError } from "./errors.ts";

/** An address taken apart. */
export interface Address {
  /** Name of the protocol: `session`. */
  readonly kind: string;
  /** The node of a pinned actor; empty for a sharded one. */
  readonly node: string;
  /** Its own id. */
  readonly id: string;
}

/** Shards in a cluster, for ever: the number is part of every stored document. */
export const SHARDS = 256;

/** One token. 64 keeps an address within the frame's byte of length, and a subject readable. */
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Take an address apart.
 *
 * @param text `kind/id` or `kind/node/id`, each of `[A-Za-z0-9_-]`, so that no subject needs escaping.
 * @throws {LucidError} `address/invalid`.
 */
export function parseAddress(text: string): Address {
  const tokens = text.split("/");
  const [kind, second, third] = tokens;
  if (
    tokens.length < 2 || tokens.length > 3 ||
    !tokens.every((token) => TOKEN.test(token))
  ) {
    throw new LucidError(
      "address/invalid",
      "invalid",
      `Cannot read address ${
        JSON.stringify(text.slice(0, 200))
      }: it is not kind/id or kind/node/id of letters, digits, - and _`,
    );
  }
  return third === undefined
    ? { kind: kind!, node: "", id: second! }
    : { kind: kind!, node: second!, id: third };
}

/** Put an address together: the inverse of {@linkcode parseAddress}. */
export function formatAddress({ kind, node, id }: Address): string {
  return node === "" ? `${kind}/${id}` : `${kind}/${node}/${id}`;
}

/**
 * The shard that `kind/id` belongs to: FNV-1a of both, without a separator, modulo 256. It is what
 * nats-server computes for `{{partition(256,1,2)}}`, so that a subject mapping finds the same.
 *
 * Source: nats-server, `server/subject_transform.go` (`getHashPartition`); in 2.9, `server/accounts.go`.
 */
export function shardOf(kind: string, id: string): number {
  let hash = 0x811c9dc5;
  for (const token of [kind, id]) {
    for (let i = 0; i < token.length; i++) {
      hash = Math.imul(hash ^ token.charCodeAt(i), 0x01000193) >>> 0;
    }
  }
  return hash % SHARDS;
}

/** Where an address belongs: its shard, or the node it is pinned to. */
export function placeOf({ kind, node, id }: Address): number | string {
  return node === "" ? shardOf(kind, id) : node;
}
