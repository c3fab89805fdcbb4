/**
 * A recorded chunk, seen again: the screen after each of its updates. Every chunk begins with a
 * whole picture and needs no other.
 *
 * @module
 */
import { Framebuffer } from "./framebuffer.ts";
import { malformed } from "./rfb.ts";
import { readStream } from "./stream.ts";

/** The screen at one moment of a chunk. */
export interface Moment {
  /** Milliseconds since the chunk's start; at 0 the picture may still come in pieces. */
  readonly atMs: number;
  /** The same object each time, drawn further. */
  readonly screen: Framebuffer;
}

/**
 * Replay a chunk.
 *
 * @param plain The chunk's record stream, decrypted and unpacked.
 * @throws {LucidError} `rfb/malformed` at the first record that makes no sense.
 */
export async function* replay(plain: Uint8Array): AsyncGenerator<Moment> {
  const records = readStream(plain);
  const opening = records.next();
  if (opening.done) throw malformed("it has no opening");
  using screen = new Framebuffer(opening.value.bytes);
  for (const { atMs, bytes } of records) {
    await screen.draw(bytes);
    yield { atMs, screen };
  }
}
