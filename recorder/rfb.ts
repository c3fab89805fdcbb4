/**
 * The words of the RFB protocol (RFC 6143) that a recorder speaks: the greeting, the pixel format,
 * requests, and how long a server's message is.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";

/** Both sides' first 12 bytes. */
export const PROTOCOL_VERSION = "RFB 003.008\n";

/** Security types that the tap can answer. */
export const SECURITY = { none: 1, vncAuth: 2 } as const;

/** Rectangle encodings that the tap asks for and replay decodes. */
export const ENCODING = { raw: 0, copyRect: 1, zrle: 16 } as const;

/** Server messages; only updates are recorded. */
export const MESSAGE = {
  update: 0,
  colourMap: 1,
  bell: 2,
  cutText: 3,
} as const;

/** Bytes of a ServerInit before the desktop's name. */
export const SERVER_INIT_BYTES = 24;

/** Bytes of a pixel in the format that {@linkcode PIXEL_FORMAT} asks for. */
export const PIXEL_BYTES = 4;

/**
 * 32 bits, 24 of them colour, little-endian, red in the lowest byte: noVNC's order, so that a
 * recording plays there with its colours right, and R, G, B in memory for everybody else.
 */
export const PIXEL_FORMAT: Uint8Array<ArrayBuffer> = new Uint8Array(
  [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0],
);

/** A part of the screen, in pixels. */
export interface Area {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  /** Pixels from left to right. */
  readonly width: number;
  /** Pixels from top to bottom. */
  readonly height: number;
}

/** One rectangle's head, as a server sends it. */
export interface RectHead extends Area {
  /** How its pixels are written. */
  readonly encoding: number;
}

/** Bytes of a rectangle's head. */
export const RECT_HEAD_BYTES = 12;

/** `SetPixelFormat`, and `SetEncodings` for `encodings` in order of preference. */
export function preferences(
  encodings: readonly number[],
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(
    4 + PIXEL_FORMAT.length + 4 + 4 * encodings.length,
  );
  bytes.set(PIXEL_FORMAT, 4);
  const view = new DataView(bytes.buffer, 4 + PIXEL_FORMAT.length);
  view.setUint8(0, 2);
  view.setUint16(2, encodings.length);
  encodings.forEach((encoding, n) => view.setInt32(4 + 4 * n, encoding));
  return bytes;
}

/** `FramebufferUpdateRequest`: what changed in `area`, or all of it when not `incremental`. */
export function updateRequest(
  area: Area,
  options: { readonly incremental: boolean },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 3);
  view.setUint8(1, options.incremental ? 1 : 0);
  view.setUint16(2, area.x);
  view.setUint16(4, area.y);
  view.setUint16(6, area.width);
  view.setUint16(8, area.height);
  return bytes;
}

/**
 * What a server without a password, speaking {@linkcode PIXEL_FORMAT}, would have said first. It
 * opens every recorded chunk, so that players need neither the password nor the negotiation.
 */
export function openingWords(
  screen: {
    readonly width: number;
    readonly height: number;
    readonly name: Uint8Array;
  },
): Uint8Array<ArrayBuffer> {
  const version = new TextEncoder().encode(PROTOCOL_VERSION);
  const init = new Uint8Array(SERVER_INIT_BYTES + screen.name.length);
  const view = new DataView(init.buffer);
  view.setUint16(0, screen.width);
  view.setUint16(2, screen.height);
  init.set(PIXEL_FORMAT, 4);
  view.setUint32(20, screen.name.length);
  init.set(screen.name, SERVER_INIT_BYTES);
  return new Uint8Array([...version, 1, SECURITY.none, 0, 0, 0, 0, ...init]);
}

/**
 * Read a rectangle's head.
 *
 * @throws {LucidError} `rfb/malformed` when it reaches beyond the screen.
 */
export function rectHead(
  bytes: Uint8Array,
  screen: { readonly width: number; readonly height: number },
): RectHead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, RECT_HEAD_BYTES);
  const head = {
    x: view.getUint16(0),
    y: view.getUint16(2),
    width: view.getUint16(4),
    height: view.getUint16(6),
    encoding: view.getInt32(8),
  };
  if (
    head.x + head.width > screen.width || head.y + head.height > screen.height
  ) {
    throw malformed(
      `a rectangle of ${head.width}×${head.height} at ${head.x},${head.y} leaves the screen of ${screen.width}×${screen.height}`,
    );
  }
  return head;
}

/** The failure of a peer, or of a recorded stream, that does not speak as RFC 6143 says. */
export function malformed(what: string): LucidError {
  return new LucidError(
    "rfb/malformed",
    "invalid",
    `Cannot read the screen's stream: ${what}`,
  );
}
