/**
 * From ids to indices in the log, in little memory: of each id the first 32 bits are kept, in an open hash table, and
 * whoever asks compares the rest with the entry itself. An id takes 11 to 21 bytes.
 *
 * @module
 */

/** To begin with; doubled when three of four are taken, so that every search ends soon. */
const SLOTS_MIN = 1_024;

/** Where ids lie in the log. Ids are hashes, so their first bits are spread evenly. */
export class IdIndex {
  /** By slot: the first 32 bits of an id. */
  #prefixes = new Uint32Array(SLOTS_MIN);
  /** By slot: index plus one, 0 where it is free. No log has 2^32 entries. */
  #places = new Uint32Array(SLOTS_MIN);
  #count = 0;

  /** Remember the index of an id of 32 bytes; called once for each. */
  add(id: Uint8Array, index: number): void {
    if (4 * ++this.#count > 3 * this.#places.length) this.#grow();
    this.#put(prefixOf(id), index + 1);
  }

  /** Indices of ids that begin as this one does: nearly always its own alone, or none. */
  candidates(id: Uint8Array): number[] {
    const prefix = prefixOf(id);
    const found: number[] = [];
    for (let slot = this.#slotOf(prefix); this.#places[slot] !== 0;) {
      if (this.#prefixes[slot] === prefix) found.push(this.#places[slot]! - 1);
      slot = this.#slotOf(slot + 1);
    }
    return found;
  }

  #put(prefix: number, place: number): void {
    let slot = this.#slotOf(prefix);
    while (this.#places[slot] !== 0) slot = this.#slotOf(slot + 1);
    this.#prefixes[slot] = prefix;
    this.#places[slot] = place;
  }

  #grow(): void {
    const [prefixes, places] = [this.#prefixes, this.#places];
    this.#prefixes = new Uint32Array(2 * places.length);
    this.#places = new Uint32Array(2 * places.length);
    places.forEach((place, slot) => {
      if (place !== 0) this.#put(prefixes[slot]!, place);
    });
  }

  #slotOf(number: number): number {
    return number % this.#places.length;
  }
}

function prefixOf(id: Uint8Array): number {
  return new DataView(id.buffer, id.byteOffset, id.length).getUint32(0);
}
