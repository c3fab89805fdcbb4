/**
 * The one encoding of everything that is hashed or signed: RFC 8949 deterministic CBOR (section 4.2.1), narrowed to
 * unsigned integers ≤ 2^53 − 1, byte and text strings, arrays, maps with ascending unsigned-integer keys, true,
 * false and null, nested at most eight deep. The decoder refuses everything else by itself, byte by byte: decoding
 * with a lenient reader and encoding again would let some other spellings of a value through.
 *
 * @module
 */
import { encode as encodeCbor, rfc8949EncodeOptions } from "cborg";
import { FormatError, require } from "./error.ts";
import { type Bytes, compareBytes } from "./hash.ts";

/** What can be encoded. */
export type Value =
  | number
  | string
  | boolean
  | null
  | Uint8Array
  | readonly Value[]
  | ReadonlyMap<number, Value>;

/** Arrays and maps inside each other. The deepest format, late commits in a commit entry, needs six. */
const DEPTH_MAX = 8;

/**
 * The bytes of a value.
 *
 * @throws {FormatError} If the value lies outside the profile.
 */
export function encode(value: Value): Bytes {
  const bytes = new Uint8Array(encodeCbor(value, rfc8949EncodeOptions));
  // What is written here must be readable by everyone: a float or a deep nest is a mistake of the caller.
  decode(bytes);
  return bytes;
}

/**
 * The value that bytes stand for.
 *
 * @param bytes Exactly one item, in the one form this profile allows.
 * @returns The value; byte strings are copies.
 * @throws {FormatError} On any other bytes: wherever this returns, {@linkcode encode} gives the same bytes back.
 */
export function decode(bytes: Uint8Array): Value {
  const reader = new Reader(bytes);
  const value = reader.item(0);
  require(reader.atEnd, "Cannot read CBOR: bytes follow the item");
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  item(depth: number): Value {
    const initial = this.#take(1)[0]!;
    const [major, info] = [initial >> 5, initial & 31];
    switch (major) {
      case 0:
        return this.#argument(info);
      case 2:
        return this.#take(this.#argument(info)).slice();
      case 3:
        return text(this.#take(this.#argument(info)));
      case 4:
        return this.#array(this.#argument(info), depth + 1);
      case 5:
        return this.#map(this.#argument(info), depth + 1);
      case 7:
        return simple(info);
      default:
        throw new FormatError(
          `Cannot read CBOR: major type ${major} is not used here`,
        );
    }
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count;
    require(
      end <= this.#bytes.length,
      "Cannot read CBOR: it ends in the middle of an item",
    );
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  /** A number or length: in the first byte where it fits, else in the fewest of 1, 2, 4 or 8 bytes. */
  #argument(info: number): number {
    if (info < 24) return info;
    require(
      info <= 27,
      "Cannot read CBOR: indefinite and reserved lengths are not used here",
    );
    const width = 1 << (info - 24);
    let value = 0;
    for (const byte of this.#take(width)) value = value * 256 + byte;
    const smallest = width === 1 ? 24 : 2 ** (4 * width);
    require(
      value >= smallest,
      "Cannot read CBOR: a number is written longer than need be",
    );
    // Above 2^53 the sum is rounded, but never to below 2^53.
    require(
      value <= Number.MAX_SAFE_INTEGER,
      "Cannot read CBOR: a number is above 2^53 − 1",
    );
    return value;
  }

  #array(count: number, depth: number): Value[] {
    this.#enter(count, depth);
    const items: Value[] = [];
    for (let left = count; left > 0; left--) items.push(this.item(depth));
    return items;
  }

  #map(count: number, depth: number): Map<number, Value> {
    this.#enter(2 * count, depth);
    const fields = new Map<number, Value>();
    let last = -1;
    for (let left = count; left > 0; left--) {
      const initial = this.#take(1)[0]!;
      require(
        initial >> 5 === 0,
        "Cannot read CBOR: a map key is not an unsigned integer",
      );
      const key = this.#argument(initial & 31);
      require(key > last, "Cannot read CBOR: map keys do not rise");
      fields.set(key, this.item(depth));
      last = key;
    }
    return fields;
  }

  #enter(items: number, depth: number): void {
    require(
      depth <= DEPTH_MAX,
      `Cannot read CBOR: it is nested more than ${DEPTH_MAX} deep`,
    );
    require(
      items <= this.#bytes.length - this.#at,
      "Cannot read CBOR: it ends in the middle of an item",
    );
  }
}

function simple(info: number): boolean | null {
  if (info === 20) return false;
  if (info === 21) return true;
  require(
    info === 22,
    "Cannot read CBOR: floats and other simple values are not used here",
  );
  return null;
}

function text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes,
    );
  } catch {
    throw new FormatError("Cannot read CBOR: a text is not UTF-8");
  }
}

/** Read an item that must be an unsigned integer. `what` names it in the error: "startMs of a leaf". */
export function asInteger(value: Value | undefined, what: string): number {
  require(
    typeof value === "number",
    `Cannot read ${what}: it is not an integer`,
  );
  return value;
}

/** Read an item that must be a byte string, of exactly `count` bytes where that is given. */
export function asBytes(
  value: Value | undefined,
  what: string,
  count?: number,
): Bytes {
  require(
    value instanceof Uint8Array,
    `Cannot read ${what}: it is not a byte string`,
  );
  require(
    count === undefined || value.length === count,
    `Cannot read ${what}: it has ${value.length} bytes, not ${count}`,
  );
  return value as Bytes;
}

/** Read an item that must be a text. */
export function asText(value: Value | undefined, what: string): string {
  require(typeof value === "string", `Cannot read ${what}: it is not a text`);
  return value;
}

/** Read an item that must be an array, of exactly `count` items where that is given. */
export function asArray(
  value: Value | undefined,
  what: string,
  count?: number,
): readonly Value[] {
  require(Array.isArray(value), `Cannot read ${what}: it is not an array`);
  require(
    count === undefined || value.length === count,
    `Cannot read ${what}: it has ${value.length} items, not ${count}`,
  );
  return value;
}

/** Read an item that must be a map with all of `keys`, perhaps some of `optional`, and no other. */
export function asMap(
  value: Value | undefined,
  what: string,
  keys: readonly number[],
  optional: readonly number[] = [],
): ReadonlyMap<number, Value> {
  require(value instanceof Map, `Cannot read ${what}: it is not a map`);
  const missing = keys.find((key) => !value.has(key));
  require(
    missing === undefined,
    `Cannot read ${what}: field ${missing} is missing`,
  );
  const unknown = [...value.keys()].find((key) =>
    !keys.includes(key) && !optional.includes(key)
  );
  require(
    unknown === undefined,
    `Cannot read ${what}: field ${unknown} is not known`,
  );
  return value;
}

/** Refuse a list whose byte strings do not rise: sorted, and none twice. */
export function requireRising(list: readonly Uint8Array[], what: string): void {
  for (let at = 1; at < list.length; at++) {
    require(
      compareBytes(list[at - 1]!, list[at]!) < 0,
      `Cannot read ${what}: they do not rise`,
    );
  }
}
