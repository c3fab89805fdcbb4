/**
 * Reading the inside of an update, packed or unpacked, without ever leaving it.
 *
 * @module
 */
import { malformed } from "./rfb.ts";

/** The bytes of an update, read from the front; past the end is malformed. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next `count` bytes. */
  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) {
      throw malformed("an update is cut off");
    }
    return this.#bytes.subarray(this.#at, this.#at += count);
  }

  /** One byte. */
  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed("an update is cut off");
    return byte;
  }

  /** Two bytes, big-endian. */
  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  /** Four bytes, big-endian. */
  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** Red, green and blue, red lowest. */
  colour(): number {
    return this.u8() | (this.u8() << 8) | (this.u8() << 16);
  }

  /** So many colours. */
  palette(count: number): Uint32Array {
    return new Uint32Array(count).map(() => this.colour());
  }

  /** A run's length: bytes of 255, then one of less, and one. */
  runLength(): number {
    let length = 1;
    for (let byte = 255; byte === 255; length += byte) byte = this.u8();
    return length;
  }

  /** Refuse what is left over. */
  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw malformed("bytes follow the last pixel of a rectangle or update");
    }
  }
}
