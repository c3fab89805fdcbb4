/**
 * A screen in memory, drawn by recorded updates: Raw, CopyRect and ZRLE (RFC 6143, 7.7). It trusts
 * nothing it reads, for a recording may have been made by anybody.
 *
 * @module
 */
import { constants, createInflate, type Inflate } from "node:zlib";
import {
  ENCODING,
  malformed,
  MESSAGE,
  PIXEL_BYTES,
  PROTOCOL_VERSION,
  RECT_HEAD_BYTES,
  type RectHead,
  rectHead,
  SERVER_INIT_BYTES,
} from "./rfb.ts";

/** ZRLE's tiles; those at the right and lower edge are smaller. */
const TILE_PIXELS = 64;

/** Red, green and blue: the fourth byte of a pixel is not sent. */
const CPIXEL_BYTES = 3;

/** Largest screen that is drawn: 8K. Its framebuffer has 133 MB. */
const SCREEN_PIXELS_MAX = 7_680 * 4_320;

/** Everything before ServerInit in an opening: version, one security type, its result. */
const GREETING_BYTES = PROTOCOL_VERSION.length + 6;

/** A screen, as RGBA. */
export class Framebuffer implements Disposable {
  /** Pixels from left to right. */
  readonly width: number;
  /** Pixels from top to bottom. */
  readonly height: number;
  /** Rows from the top, 4 bytes a pixel: red, green, blue, 255. */
  readonly rgba: Uint8Array<ArrayBuffer>;
  readonly #inflator = new Inflator();

  /**
   * Open a screen.
   *
   * @param opening Record 0 of a chunk.
   * @throws {LucidError} `rfb/malformed`
   */
  constructor(opening: Uint8Array) {
    if (opening.length < GREETING_BYTES + SERVER_INIT_BYTES) throw malformed("its opening is cut off");
    const view = new DataView(opening.buffer, opening.byteOffset + GREETING_BYTES);
    this.width = view.getUint16(0);
    this.height = view.getUint16(2);
    const pixels = this.width * this.height;
    if (pixels === 0 || pixels > SCREEN_PIXELS_MAX) throw malformed(`its screen has ${this.width}×${this.height} pixels`);
    this.rgba = new Uint8Array(pixels * PIXEL_BYTES);
    for (let alpha = 3; alpha < this.rgba.length; alpha += PIXEL_BYTES) this.rgba[alpha] = 255;
  }

  /**
   * Draw one update.
   *
   * @param update A later record of the same chunk; they build on each other.
   * @throws {LucidError} `rfb/malformed`; what was drawn until then stays.
   */
  async draw(update: Uint8Array): Promise<void> {
    const reader = new Reader(update);
    const [type] = reader.take(2);
    if (type !== MESSAGE.update) throw malformed(`message type ${type} is not an update`);
    for (let rects = reader.u16(); rects > 0; rects--) {
      const head = rectHead(reader.take(RECT_HEAD_BYTES), this);
      if (head.encoding === ENCODING.zrle) this.#zrle(head, await this.#inflate(head, reader));
      else if (head.encoding === ENCODING.raw) this.#raw(head, reader);
      else if (head.encoding === ENCODING.copyRect) this.#copy(head, { x: reader.u16(), y: reader.u16() });
      else throw malformed(`rectangle encoding ${head.encoding} is not known`);
    }
    reader.end();
  }

  /** Free the decompressor. */
  [Symbol.dispose](): void {
    this.#inflator[Symbol.dispose]();
  }

  #inflate(head: RectHead, reader: Reader): Promise<Uint8Array> {
    const tiles = Math.ceil(head.width / TILE_PIXELS) * Math.ceil(head.height / TILE_PIXELS);
    // Every tile has at most its subencoding, a palette, and per pixel a colour and a run length of one byte.
    const bytesMax = tiles * (1 + 127 * CPIXEL_BYTES) + head.width * head.height * (CPIXEL_BYTES + 1);
    return this.#inflator.inflate(reader.take(reader.u32()), bytesMax);
  }

  #raw(head: RectHead, reader: Reader): void {
    for (let y = 0; y < head.height; y++) {
      for (let x = 0; x < head.width; x++) {
        const pixel = reader.take(PIXEL_BYTES);
        this.#set(head.x + x, head.y + y, pixel[0]! | (pixel[1]! << 8) | (pixel[2]! << 16));
      }
    }
  }

  #copy(head: RectHead, from: { readonly x: number; readonly y: number }): void {
    if (from.x + head.width > this.width || from.y + head.height > this.height) {
      throw malformed("a rectangle is copied from beyond the screen");
    }
    const rows = [...Array(head.height).keys()];
    // The areas may overlap: rows are moved in the order that reads each before it is written.
    if (from.y < head.y) rows.reverse();
    for (const row of rows) {
      const start = ((from.y + row) * this.width + from.x) * PIXEL_BYTES;
      const target = ((head.y + row) * this.width + head.x) * PIXEL_BYTES;
      this.rgba.copyWithin(target, start, start + head.width * PIXEL_BYTES);
    }
  }

  #zrle(head: RectHead, bytes: Uint8Array): void {
    const reader = new Reader(bytes);
    for (let y = 0; y < head.height; y += TILE_PIXELS) {
      for (let x = 0; x < head.width; x += TILE_PIXELS) {
        const width = Math.min(TILE_PIXELS, head.width - x);
        const height = Math.min(TILE_PIXELS, head.height - y);
        this.#paint({ x: head.x + x, y: head.y + y, width, height }, tile(reader, width, height));
      }
    }
    reader.end();
  }

  #paint(
    area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
    pixels: Uint32Array,
  ): void {
    let at = 0;
    for (let y = area.y; y < area.y + area.height; y++) {
      for (let x = area.x; x < area.x + area.width; x++) this.#set(x, y, pixels[at++]!);
    }
  }

  #set(x: number, y: number, colour: number): void {
    const at = (y * this.width + x) * PIXEL_BYTES;
    this.rgba[at] = colour & 0xff;
    this.rgba[at + 1] = (colour >> 8) & 0xff;
    this.rgba[at + 2] = (colour >> 16) & 0xff;
  }
}

/** The pixels of one ZRLE tile (RFC 6143, 7.7.6), one number of three bytes each. */
function tile(reader: Reader, width: number, height: number): Uint32Array {
  const pixels = new Uint32Array(width * height);
  const subencoding = reader.u8();
  if (subencoding === 0) return pixels.map(() => reader.colour());
  if (subencoding === 1) return pixels.fill(reader.colour());
  if (subencoding <= 16) return packedPalette(reader, { pixels, width, colours: subencoding });
  if (subencoding === 128) return runs(pixels, reader, () => ({ colour: reader.colour(), isRun: true }));
  if (subencoding < 130) throw malformed(`tile subencoding ${subencoding} is not one of ZRLE`);
  const palette = reader.palette(subencoding - 128);
  return runs(pixels, reader, () => {
    const entry = reader.u8();
    return { colour: lookUp(palette, entry & 127), isRun: (entry & 128) !== 0 };
  });
}

function packedPalette(
  reader: Reader,
  { pixels, width, colours }: { readonly pixels: Uint32Array; readonly width: number; readonly colours: number },
): Uint32Array {
  const palette = reader.palette(colours);
  const bits = colours === 2 ? 1 : colours <= 4 ? 2 : 4;
  for (let row = 0; row < pixels.length; row += width) {
    const packed = reader.take(Math.ceil(width * bits / 8));
    for (let x = 0; x < width; x++) {
      const shift = 8 - bits - (x * bits) % 8;
      const entry = (packed[Math.floor(x * bits / 8)]! >> shift) & ((1 << bits) - 1);
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
  if (colour === undefined) throw malformed("a pixel names a colour that is not in its palette");
  return colour;
}

/** Bytes read from the front; past the end is malformed. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) throw malformed("an update is cut off");
    return this.#bytes.subarray(this.#at, this.#at += count);
  }

  u8(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed("an update is cut off");
    return byte;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  colour(): number {
    return this.u8() | (this.u8() << 8) | (this.u8() << 16);
  }

  palette(count: number): Uint32Array {
    return new Uint32Array(count).map(() => this.colour());
  }

  runLength(): number {
    let length = 1;
    for (let byte = 255; byte === 255; length += byte) byte = this.u8();
    return length;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw malformed("bytes follow the last pixel of a rectangle or update");
  }
}

/** One zlib stream through all rectangles of a connection (RFC 6143, 7.7.6), fed piece by piece. */
class Inflator implements Disposable {
  readonly #stream: Inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
  #pieces: Uint8Array[] = [];
  #held = 0;
  #bytesMax = 0;
  #fail: (error: Error) => void = () => {};

  constructor() {
    this.#stream.on("data", (piece: Uint8Array) => {
      this.#pieces.push(piece);
      this.#held += piece.length;
      if (this.#held > this.#bytesMax) this.#stream.destroy(malformed("a rectangle unpacks to more than its pixels"));
    });
    this.#stream.on("error", (error) => this.#fail(error));
  }

  async inflate(packed: Uint8Array, bytesMax: number): Promise<Uint8Array> {
    this.#bytesMax = bytesMax;
    await new Promise<void>((resolve, reject) => {
      this.#fail = (cause) => reject(cause.name === "LucidError" ? cause : malformed(`a rectangle does not unpack, ${cause.message}`));
      this.#stream.write(packed, (error) => error ? this.#fail(error) : resolve());
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

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}
