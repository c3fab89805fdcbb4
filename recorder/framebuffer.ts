/**
 * A screen in memory, drawn by recorded updates: Raw, CopyRect and ZRLE (RFC 6143, 7.7). It trusts
 * nothing it reads, for a recording may have been made by anybody.
 *
 * @module
 */
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
import { Reader } from "./update_reader.ts";
import { Inflator, readTile, TILE_PIXELS, unpackedBytesMax } from "./zrle.ts";

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
    if (opening.length < GREETING_BYTES + SERVER_INIT_BYTES) {
      throw malformed("its opening is cut off");
    }
    const view = new DataView(
      opening.buffer,
      opening.byteOffset + GREETING_BYTES,
    );
    this.width = view.getUint16(0);
    this.height = view.getUint16(2);
    const pixels = this.width * this.height;
    if (pixels === 0 || pixels > SCREEN_PIXELS_MAX) {
      throw malformed(`its screen has ${this.width}×${this.height} pixels`);
    }
    this.rgba = new Uint8Array(pixels * PIXEL_BYTES);
    for (let alpha = 3; alpha < this.rgba.length; alpha += PIXEL_BYTES) {
      this.rgba[alpha] = 255;
    }
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
    if (type !== MESSAGE.update) {
      throw malformed(`message type ${type} is not an update`);
    }
    for (let rects = reader.u16(); rects > 0; rects--) {
      const head = rectHead(reader.take(RECT_HEAD_BYTES), this);
      if (head.encoding === ENCODING.zrle) {
        this.#zrle(head, await this.#inflate(head, reader));
      } else if (head.encoding === ENCODING.raw) this.#raw(head, reader);
      else if (head.encoding === ENCODING.copyRect) {
        this.#copy(head, { x: reader.u16(), y: reader.u16() });
      } else {throw malformed(
          `rectangle encoding ${head.encoding} is not known`,
        );}
    }
    reader.end();
  }

  /** Free the decompressor. */
  [Symbol.dispose](): void {
    this.#inflator[Symbol.dispose]();
  }

  #inflate(head: RectHead, reader: Reader): Promise<Uint8Array> {
    return this.#inflator.inflate(
      reader.take(reader.u32()),
      unpackedBytesMax(head),
    );
  }

  #raw(head: RectHead, reader: Reader): void {
    for (let y = 0; y < head.height; y++) {
      for (let x = 0; x < head.width; x++) {
        const pixel = reader.take(PIXEL_BYTES);
        this.#set(
          head.x + x,
          head.y + y,
          pixel[0]! | (pixel[1]! << 8) | (pixel[2]! << 16),
        );
      }
    }
  }

  #copy(
    head: RectHead,
    from: { readonly x: number; readonly y: number },
  ): void {
    if (
      from.x + head.width > this.width || from.y + head.height > this.height
    ) {
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
        this.#paint(
          { x: head.x + x, y: head.y + y, width, height },
          readTile(reader, { width, height }),
        );
      }
    }
    reader.end();
  }

  #paint(
    area: {
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    },
    pixels: Uint32Array,
  ): void {
    let at = 0;
    for (let y = area.y; y < area.y + area.height; y++) {
      for (let x = area.x; x < area.x + area.width; x++) {
        this.#set(x, y, pixels[at++]!);
      }
    }
  }

  #set(x: number, y: number, colour: number): void {
    const at = (y * this.width + x) * PIXEL_BYTES;
    this.rgba[at] = colour & 0xff;
    this.rgba[at + 1] = (colour >> 8) & 0xff;
    this.rgba[at + 2] = (colour >> 16) & 0xff;
  }
}
