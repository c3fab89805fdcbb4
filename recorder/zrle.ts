/**
 * ZRLE, the encoding that a recording mostly consists of: tiles of 64 × 64 pixels, each as raw
 * pixels, one colour, a packed palette or runs (RFC 6143, 7.7.6), all through one zlib stream.
 *
 * @module
 */
import { constants, createInflate, type Inflate } from "node:zlib";
import { malformed } from "./rfb.ts";
import type { Reader } from "./update_reader.ts";

/** ZRLE's tiles; those at the right and lower edge are smaller. */
export const TILE_PIXELS = 64;

/** Red, green and blue: the fourth byte of a pixel is not sent. */
const CPIXEL_BYTES = 3;

/** Bytes that a rectangle of this size can unpack to at most: per tile a head and a palette, per pixel a colour and a run. */
export function unpackedBytesMax(
  { width, height }: { readonly width: number; readonly height: number },
): number {
  const tiles = Math.ceil(width / TILE_PIXELS) *
    Math.ceil(height / TILE_PIXELS);
  return tiles * (1 + 127 * CPIXEL_BYTES) + width * height * (CPIXEL_BYTES + 1);
}

/** The pixels of one ZRLE tile (RFC 6143, 7.7.6), one number of three bytes each. */
export function readTile(
  reader: Reader,
  { width, height }: { readonly width: number; readonly height: number },
): Uint32Array {
  const pixels = new Uint32Array(width * height);
  const subencoding = reader.u8();
  if (subencoding === 0) return pixels.map(() => reader.colour());
  if (subencoding === 1) return pixels.fill(reader.colour());
  if (subencoding <= 16) {
    return packedPalette(reader, { pixels, width, colours: subencoding });
  }
  if (subencoding === 128) {
    return runs(
      pixels,
      reader,
      () => ({ colour: reader.colour(), isRun: true }),
    );
  }
  if (subencoding < 130) {
    throw malformed(`tile subencoding ${subencoding} is not one of ZRLE`);
  }
  const palette = reader.palette(subencoding - 128);
  return runs(pixels, reader, () => {
    const entry = reader.u8();
    return { colour: lookUp(palette, entry & 127), isRun: (entry & 128) !== 0 };
  });
}

function packedPalette(
  reader: Reader,
  { pixels, width, colours }: {
    readonly pixels: Uint32Array;
    readonly width: number;
    readonly colours: number;
  },
): Uint32Array {
  const palette = reader.palette(colours);
  const bits = colours === 2 ? 1 : colours <= 4 ? 2 : 4;
  for (let row = 0; row < pixels.length; row += width) {
    const packed = reader.take(Math.ceil(width * bits / 8));
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits - (x * bits) % 8;
      const entry = (packed[Math.floor(x * bits / 8)]! >> shift) &
        ((1 << bits) - 1);
      pixels[row + x] = lookUp(palette, entry);
    }
  }
  return pixels;
}

function runs(
  pixels: Uint32Array,
  reader: Reader,
  next: () => { readonly colour: number; readonly isRun: boolean },
): Uint32Array {
  for (let at = 0; at < pixels.length;) {
    const { colour, isRun } = next();
    const end = at + (isRun ? reader.runLength() : 1);
    if (end > pixels.length) throw malformed("a run of pixels leaves its tile");
    pixels.fill(colour, at, end);
    at = end;
  }
  return pixels;
}

function lookUp(palette: Uint32Array, entry: number): number {
  const colour = palette[entry];
  if (colour === undefined) {
    throw malformed("a pixel names a colour that is not in its palette");
  }
  return colour;
}

/** One zlib stream through all rectangles of a connection (RFC 6143, 7.7.6), fed piece by piece. */
export class Inflator implements Disposable {
  readonly #stream: Inflate = createInflate({
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  #pieces: Uint8Array[] = [];
  #held = 0;
  #bytesMax = 0;
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.#stream.on("data", (piece: Uint8Array) => {
      this.#pieces.push(piece);
      this.#held += piece.length;
      if (this.#held > this.#bytesMax) {
        // Said here: a destroyed stream calls its last write done before it tells of the error.
        this.#fail(malformed("a rectangle unpacks to more than its pixels"));
        this.#stream.destroy();
      }
    });
    this.#stream.on("error", (error) => this.#fail(error));
  }

  /** Unpack the next piece, to `bytesMax` bytes at most. */
  async inflate(packed: Uint8Array, bytesMax: number): Promise<Uint8Array> {
    this.#bytesMax = bytesMax;
    await new Promise<void>((resolve, reject) => {
      this.#fail = (cause) =>
        reject(
          cause.name === "LucidError"
            ? cause
            : malformed(`a rectangle does not unpack, ${cause.message}`),
        );
      this.#stream.write(
        packed,
        (error) => error ? this.#fail(error) : resolve(),
      );
    });
    const bytes = new Uint8Array(this.#held);
    let at = 0;
    for (const piece of this.#pieces.splice(0)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#held = 0;
    return bytes;
  }

  /** Free the stream. */
  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}
