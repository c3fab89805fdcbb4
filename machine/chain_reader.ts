/**
 * The chain as the gateway shows it.
 *
 * @module
 */
import type { Chain } from "./chain/chain.ts";
import type { DecidedBlock } from "./chain/decided_log.ts";

/** One block without its entries; block 0 is the genesis alone and has no header. */
interface BlockHead {
  readonly height: number;
  /** Hex. */
  readonly blockId: string;
  readonly header?: Uint8Array;
}

/** Open a reader over a chain. The methods fit the gateway's port of that name. */
export function openChainReader(chain: Chain) {
  function head(height: number): BlockHead | undefined {
    if (height === 0) return { height, blockId: chain.chainId.toHex() };
    const block = chain.block(height);
    return block && headOf(block);
  }

  return {
    info: () => {
      const { params, validators } = chain.genesis;
      return Promise.resolve({
        network: params.network,
        chainId: chain.chainId.toHex(),
        height: chain.height,
        blockId: chain.blockId.toHex(),
        blockTimeMs: chain.block(chain.height)?.timeMs ?? params.t0Ms,
        entries: chain.entryCount,
        root: chain.root().toHex(),
        pending: chain.pendingCount,
        slotMs: params.slotMs,
        validators: validators.length,
        ...(chain.waitingFor === undefined
          ? {}
          : { waitingFor: chain.waitingFor }),
      });
    },

    block: (at: number | string) => {
      const height = typeof at === "number" ? at : heightOf(chain, at);
      if (height === 0) {
        const genesis = chain.entry(0)!;
        return Promise.resolve({
          ...head(0)!,
          entries: [{
            index: 0,
            entryId: genesis.id.toHex(),
            bytes: genesis.bytes,
          }],
        });
      }
      const block = height === undefined ? undefined : chain.block(height);
      return Promise.resolve(
        block && {
          ...headOf(block),
          entries: block.entries.map(({ index, id, bytes }) => ({
            index,
            entryId: id.toHex(),
            bytes,
          })),
        },
      );
    },

    blocks: (
      { from, limit }: { readonly from: number; readonly limit: number },
    ) => {
      const heads: BlockHead[] = [];
      for (let height = from; height >= 0 && heads.length < limit; height--) {
        const found = head(height);
        if (found !== undefined) heads.push(found);
      }
      return Promise.resolve(heads);
    },

    transaction: (entryId: string) => {
      const id = Uint8Array.fromHex(entryId);
      const place = chain.find(id);
      if (place === undefined) {
        const bytes = chain.pendingEntry(id);
        return Promise.resolve(bytes && { bytes });
      }
      return Promise.resolve({
        bytes: chain.entry(place.index)!.bytes,
        decided: {
          height: place.height,
          blockId: place.blockId.toHex(),
          index: place.index,
        },
      });
    },

    trust: () => Promise.resolve(chain.trust()),
  };
}

function headOf({ height, blockId, entries }: DecidedBlock): BlockHead {
  return {
    height,
    blockId: blockId.toHex(),
    header: entries.at(-1)!.bytes,
  };
}

function heightOf(chain: Chain, blockId: string): number | undefined {
  return blockId === chain.chainId.toHex()
    ? 0
    : chain.blockById(Uint8Array.fromHex(blockId))?.height;
}
