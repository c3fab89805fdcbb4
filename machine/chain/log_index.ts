/**
 * What is kept in memory of a log: the tree's hashes, where each record lies in the file, and which id is which entry.
 *
 * @module
 */
import type { Block } from "../../chain/block.ts";
import { sameBytes } from "../../chain/hash.ts";
import { userEntriesStart } from "../../chain/header.ts";
import { MerkleTree } from "../../chain/merkle_tree.ts";
import { IdIndex } from "./id_index.ts";

/** Where a record's payload lies in the file. */
export interface Place {
  readonly start: number;
  readonly count: number;
}

/** Where a block lies. */
export interface BlockPlace {
  readonly firstIndex: number;
  readonly headerIndex: number;
  readonly certificate: Place;
}

/** Grows with the log. */
export class LogIndex {
  /** All hashes of the log. */
  readonly tree: MerkleTree = new MerkleTree();
  readonly #entries: Place[] = [];
  readonly #blocks: BlockPlace[] = [];
  /** Of users' entries by their ids, of headers by their blocks'. */
  readonly #ids = new IdIndex();

  /** Height of the newest block. */
  get height(): number {
    return this.#blocks.length;
  }

  /** Take in one entry; alone only the genesis. */
  add(entry: Uint8Array, place: Place): void {
    this.tree.append(entry);
    this.#entries.push(place);
  }

  /** Take in a block; `places`: of its entries, then of its certificate. */
  addBlock(
    { header, blockId, entries, ids }: Block,
    places: readonly Place[],
  ): void {
    entries.forEach((entry, at) => this.add(entry, places[at]!));
    const usersFrom = userEntriesStart(header);
    ids.forEach((id, at) =>
      this.#ids.add(Uint8Array.fromHex(id), usersFrom + at)
    );
    this.#ids.add(blockId, header.preSize);
    this.#blocks.push({
      firstIndex: header.firstIndex,
      headerIndex: header.preSize,
      certificate: places.at(-1)!,
    });
  }

  /** Where an entry lies, by its index. */
  entry(index: number): Place | undefined {
    return this.#entries[index];
  }

  /** Indices of the entries that may have an id: nearly always one, or none. */
  candidates(id: Uint8Array): readonly number[] {
    return this.#ids.candidates(id);
  }

  /** Where a block lies, by its height ≥ 1. */
  block(height: number): BlockPlace | undefined {
    return this.#blocks[height - 1];
  }

  /** The height of the block that holds an entry; 0 for the genesis. */
  heightOf(index: number): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#blocks[middle]!.headerIndex < index) low = middle + 1;
      else high = middle;
    }
    return index === 0 ? 0 : low + 1;
  }

  /** The height of a block, by its id. */
  heightOfBlock(blockId: Uint8Array): number | undefined {
    const index = this.candidates(blockId).find((index) =>
      sameBytes(this.tree.leafHash(index), blockId)
    );
    return index === undefined ? undefined : this.heightOf(index);
  }
}
