/**
 * JSON with one reading: printable ASCII, line feed and space alone between tokens, no backslash, integers from 0 to
 * 2^53 − 1, strings, arrays and objects without repeated keys, and after the end at most one line feed. What two
 * readers could understand differently is refused.
 *
 * @module
 */
import { FormatError, require } from "./error.ts";
import type { Bytes } from "./hash.ts";

/** A value in a trust or proof file. */
export type Json = string | number | readonly Json[] | JsonObject;

/** An object; a map, so that no key means anything by itself. */
export type JsonObject = ReadonlyMap<string, Json>;

/** The largest file that is read: a proof of 19 validators over many years stays below. */
export const JSON_BYTES_MAX = 1024 * 1024;

/** Objects and arrays inside each other; a proof needs four, a predecessor of a predecessor a few more. */
const DEPTH_MAX = 16;

/**
 * Read a file.
 *
 * @throws {FormatError} Saying what is wrong, and at which character.
 */
export function parseStrictJson(text: string): Json {
  require(
    text.length <= JSON_BYTES_MAX,
    `Cannot read JSON: it is longer than ${JSON_BYTES_MAX} bytes`,
  );
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    if (depth > DEPTH_MAX) this.#fail("it is nested too deep");
    this.#space();
    const next = this.#text[this.#at];
    if (next === '"') return this.#string();
    if (next === "{") return this.#object(depth + 1);
    if (next === "[") return this.#array(depth + 1);
    return this.#integer();
  }

  end(): void {
    if (this.#text[this.#at] === "\n") this.#at++;
    if (this.#at !== this.#text.length) this.#fail("something follows the end");
  }

  #object(depth: number): JsonObject {
    const fields = new Map<string, Json>();
    this.#list("}", () => {
      this.#space();
      const key = this.#string();
      if (fields.has(key)) this.#fail(`the key "${key}" is repeated`);
      this.#space();
      this.#expect(":");
      fields.set(key, this.value(depth));
    });
    return fields;
  }

  #array(depth: number): Json[] {
    const items: Json[] = [];
    this.#list("]", () => items.push(this.value(depth)));
    return items;
  }

  /** Items between the bracket at hand and `close`, commas between them. */
  #list(close: string, item: () => void): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      item();
      this.#space();
      if (this.#text[this.#at] === close) break;
      this.#expect(",");
    }
    this.#at++;
  }

  #string(): string {
    this.#expect('"');
    const end = this.#text.indexOf('"', this.#at);
    if (end < 0) this.#fail("a string does not end");
    const found = this.#text.slice(this.#at, end);
    if (!/^[ !#-[\]-~]*$/.test(found)) {
      this.#fail("a string holds more than printable ASCII without backslash");
    }
    this.#at = end + 1;
    return found;
  }

  #integer(): number {
    const digits = /(?:0|[1-9][0-9]*)/y;
    digits.lastIndex = this.#at;
    const found = digits.exec(this.#text)?.[0];
    if (found === undefined) this.#fail("a value is missing");
    const value = Number(found);
    if (found.length > 16 || value > Number.MAX_SAFE_INTEGER) {
      this.#fail("an integer is above 2^53 - 1");
    }
    this.#at += found.length;
    return value;
  }

  #space(): void {
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\n") {
      this.#at++;
    }
  }

  #expect(token: string): void {
    if (this.#text[this.#at] !== token) this.#fail(`${token} is missing`);
    this.#at++;
  }

  #fail(what: string): never {
    throw new FormatError(
      `Cannot read JSON: ${what}, at character ${this.#at}`,
    );
  }
}

/** Read an object with all of `keys`, perhaps some of `optional`, and no other. */
export function jsonObject(
  value: Json | undefined,
  what: string,
  { keys, optional = [] }: {
    readonly keys: readonly string[];
    readonly optional?: readonly string[];
  },
): JsonObject {
  require(value instanceof Map, `Cannot read ${what}: it is not an object`);
  const missing = keys.find((key) => !value.has(key));
  require(
    missing === undefined,
    `Cannot read ${what}: "${missing}" is missing`,
  );
  const unknown = [...value.keys()].find((key) =>
    !keys.includes(key) && !optional.includes(key)
  );
  require(
    unknown === undefined,
    `Cannot read ${what}: "${unknown}" is not known`,
  );
  return value;
}

/** Read an array, of exactly `count` items where that is given. */
export function jsonArray(
  value: Json | undefined,
  what: string,
  count?: number,
): readonly Json[] {
  require(Array.isArray(value), `Cannot read ${what}: it is not an array`);
  require(
    count === undefined || value.length === count,
    `Cannot read ${what}: it has not ${count} items`,
  );
  return value;
}

/** Read an integer. */
export function jsonInteger(value: Json | undefined, what: string): number {
  require(
    typeof value === "number",
    `Cannot read ${what}: it is not an integer`,
  );
  return value;
}

/** Read a string. */
export function jsonString(value: Json | undefined, what: string): string {
  require(typeof value === "string", `Cannot read ${what}: it is not a string`);
  return value;
}

/** Read bytes written in base64, in the one way they can be written. */
export function jsonBase64(value: Json | undefined, what: string): Bytes {
  const text = jsonString(value, what);
  const bytes = attempt(() =>
    Uint8Array.fromBase64(text, { lastChunkHandling: "strict" })
  );
  require(
    bytes !== undefined && bytes.toBase64() === text,
    `Cannot read ${what}: it is not canonical base64`,
  );
  return bytes;
}

/** Read `count` bytes written in lower-case hex. */
export function jsonHex(
  value: Json | undefined,
  what: string,
  count: number,
): Bytes {
  const text = jsonString(value, what);
  require(
    text.length === 2 * count && /^[0-9a-f]*$/.test(text),
    `Cannot read ${what}: it is not ${2 * count} lower-case hex digits`,
  );
  return Uint8Array.fromHex(text);
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
