/**
 * The receiving end of a connection: bytes kept until a whole message is there. How much that may
 * be is for its user to bound.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";

/** What the inlet holds before it has to grow. */
const INLET_BYTES = 64 * 1024;

/** Bytes as they arrive, kept until a whole message is there. */
export class Inlet {
  readonly #connection: Deno.UnixConn;
  #buffer = new Uint8Array(INLET_BYTES);
  #held = 0;

  constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
  }

  /** At least the next `count` bytes, left where they are; valid until the next call. */
  async peek(count: number): Promise<Uint8Array> {
    if (count > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(count, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    while (this.#held < count) {
      this.#held += await this.#read(this.#buffer.subarray(this.#held));
    }
    return this.#buffer;
  }

  /** The next `count` bytes, for the caller to keep. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const taken = (await this.peek(count)).slice(0, count);
    this.#buffer.copyWithin(0, count, this.#held);
    this.#held -= count;
    return taken as Uint8Array<ArrayBuffer>;
  }

  async #read(into: Uint8Array): Promise<number> {
    try {
      const count = await this.#connection.read(into);
      if (count !== null) return count;
    } catch (cause) {
      throw lost(cause);
    }
    throw lost(undefined);
  }
}

/** The failure of a connection that ended. */
export function lost(cause: unknown): LucidError {
  return new LucidError(
    "tap/lost",
    "unavailable",
    "Cannot watch the screen: its connection ended",
    { cause },
  );
}
