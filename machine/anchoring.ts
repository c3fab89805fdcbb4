/**
 * Between the round actor and the chain's files: entries in, news of blocks out.
 *
 * @module
 */
import {
  type Effect,
  type Host,
  type Log,
  LucidError,
  type Store,
} from "@lucid/runtime";
import { Round } from "../actors/round/protocol.ts";
import {
  encodeInterimAnchors,
  type InterimRow,
} from "../chain/interim_anchors.ts";
import { decodeEntry, ENTRY_TYPES, entryId } from "../chain/entry.ts";
import type { Chain } from "./chain/chain.ts";
import type { DecidedBlock } from "./chain/decided_log.ts";
import type { Keys } from "./keys.ts";
import { leavesOf, treeOver } from "./leaves.ts";

/** A row with the longest path has 700 bytes, and an entry 16 KiB. */
const ROWS_PER_ENTRY = 20;
/** An interim anchor is worth little when the next one is there. */
const EXPIRY_BLOCKS = 360;

/** Entries that blocks bring themselves: nobody waits for them. */
const SYSTEM_TYPES: readonly number[] = [
  ENTRY_TYPES.commit,
  ENTRY_TYPES.header,
];
/** Refusals that pass by themselves. */
const LATER: readonly string[] = ["chain/interim-pending", "chain/busy"];

/** What anchoring works with. */
export interface AnchoringOptions {
  readonly node: string;
  readonly keys: Keys;
  readonly store: Pick<Store, "list">;
  readonly chain: Chain;
  readonly log: Log;
}

/** The hands of the round actor. */
export interface Anchoring {
  readonly effects: Readonly<Record<string, Effect>>;
  /** Tell the round what was decided while nobody listened, and hand in again what still waits. */
  begin(host: Host): Promise<void>;
  /** A block was decided. */
  announce(host: Host, block: DecidedBlock): Promise<void>;
  /** No block will ever include an entry that was handed in. */
  giveUp(
    host: Host,
    entry: { readonly entryId: string; readonly because: string },
  ): Promise<void>;
}

/** Open the hands of the round actor. */
export function openAnchoring(
  { node, keys, store, chain, log }: AnchoringOptions,
): Anchoring {
  const address = `round/${node}/main`;
  let host: Host;

  /** Hand one entry in; resolves to why it cannot be, if it cannot. */
  async function include(
    { entryId: id, entry }: {
      readonly entryId: string;
      readonly entry: string;
    },
  ): Promise<string | undefined> {
    const place = chain.find(Uint8Array.fromHex(id));
    if (place !== undefined) {
      const decided = {
        height: place.height,
        blockId: place.blockId.toHex(),
        blockTime: chain.block(place.height)!.timeMs,
        entries: [{ entryId: id, entryIndex: place.index }],
      };
      await host.report(Round, address, "decided", decided, {
        op: `decided:${place.height}:${id}`,
      });
      return undefined;
    }
    try {
      chain.submit(Uint8Array.fromBase64(entry));
      return undefined;
    } catch (error) {
      // What only came too early, or found no room, is handed in again.
      if (!(error instanceof LucidError) || LATER.includes(error.code)) {
        throw error;
      }
      log.warn("entry refused", { entryId: id, because: error.message });
      return error.message;
    }
  }

  /** A session that has an interim anchor on its way, or has not grown since its last, is left out. */
  async function growthOf(
    { sessionId, leafCount }: {
      readonly sessionId: string;
      readonly leafCount: number;
    },
  ): Promise<InterimRow[]> {
    const name = { recorderKey: keys.node.publicKey, sessionId };
    if (chain.isInterimPending(name)) return [];
    const previous = chain.anchorOf(name);
    if (previous !== undefined && previous.leafCount >= leafCount) return [];
    const tree = treeOver(await leavesOf(store, sessionId, leafCount));
    return [{
      sessionId,
      leafCount,
      root: tree.root(),
      path: previous === undefined
        ? new Uint8Array()
        : tree.consistency(previous.leafCount, tree.count),
    }];
  }

  async function giveUp(
    opened: Host,
    { entryId: id, because }: {
      readonly entryId: string;
      readonly because: string;
    },
  ): Promise<void> {
    const input = { entryId: id, failure: because };
    await opened.report(Round, address, "included", input, {
      op: `refused:${id}`,
    });
  }

  return {
    giveUp,
    effects: {
      "round.include": async ({ input }) => {
        const entry = input as { entryId: string; entry: string };
        const failure = await include(entry);
        return {
          entryId: entry.entryId,
          ...(failure === undefined ? {} : { failure }),
        };
      },

      "round.signGrowth": async ({ input }) => {
        const { sessions } = input as {
          sessions: { sessionId: string; leafCount: number }[];
        };
        const rows = (await Promise.all(sessions.map(growthOf))).flat();
        const terms = {
          chainId: chain.chainId,
          expiryHeight: chain.height + EXPIRY_BLOCKS,
        };
        const entries = [];
        for (let from = 0; from < rows.length; from += ROWS_PER_ENTRY) {
          const batch = rows.slice(from, from + ROWS_PER_ENTRY);
          const bytes = encodeInterimAnchors(batch, terms, keys.node);
          entries.push({
            entryId: entryId(decodeEntry(bytes)).toHex(),
            entry: bytes.toBase64(),
          });
        }
        return { entries };
      },
    },

    async begin(opened) {
      host = opened;
      const { pending } = await host.ask(Round, address, "get", {});
      for (const { entry_id, entry } of pending) {
        const because = await include({ entryId: entry_id, entry });
        if (because === undefined) continue;
        await giveUp(host, { entryId: entry_id, because });
      }
    },

    async announce(opened, block) {
      const entries = block.entries
        .filter(({ type }) => !SYSTEM_TYPES.includes(type))
        .map(({ id, index }) => ({ entryId: id.toHex(), entryIndex: index }));
      if (entries.length === 0) return;
      await opened.report(Round, address, "decided", {
        height: block.height,
        blockId: block.blockId.toHex(),
        blockTime: block.timeMs,
        entries,
      }, { op: `decided:${block.height}` });
    },
  };
}
