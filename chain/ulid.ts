/**
 * ULIDs: 26 characters in JSON and URLs, the same 128 bits as 16 bytes in CBOR and hashes. Only the upper-case form
 * is read, so that one id has one spelling.
 *
 * @module
 */
import { require } from "./error.ts";
import type { Bytes } from "./hash.ts";

/** Crockford's base 32: no I, L, O or U. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Bytes of a ULID. */
export const ULID_BYTES = 16;

/**
 * The 16 bytes of a ULID.
 *
 * @param text 26 upper-case characters, the first at most `7`.
 * @throws {FormatError} On any other text.
 */
export function ulidBytes(text: string): Bytes {
  require(
    /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text),
    `Cannot read a ULID: ${JSON.stringify(text.slice(0, 40))} is not one`,
  );
  let bits = 0n;
  for (const character of text) {
    bits = bits << 5n | BigInt(ALPHABET.indexOf(character));
  }
  return Uint8Array.fromHex(bits.toString(16).padStart(2 * ULID_BYTES, "0"));
}

/**
 * The 26 characters of a ULID.
 *
 * @param bytes 16 bytes, as {@linkcode ulidBytes} gives them.
 * @throws {FormatError} On another length.
 */
export function ulidText(bytes: Uint8Array): string {
  require(
    bytes.length === ULID_BYTES,
    `Cannot write a ULID: it has ${bytes.length} bytes, not ${ULID_BYTES}`,
  );
  let bits = BigInt(`0x${bytes.toHex()}`);
  let text = "";
  for (let left = 26; left > 0; left--) {
    text = ALPHABET[Number(bits & 31n)]! + text;
    bits >>= 5n;
  }
  return text;
}
