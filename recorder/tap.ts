/**
 * The tap: a second, view-only VNC client on a desktop's UNIX socket. The desktop's user cannot see
 * it, reach it or end it. One tap serves one chunk, because a new connection begins with a full
 * picture and fresh compression, and so each chunk plays by itself.
 *
 * @module
 */
import { type Clock, LucidError } from "@lucid/runtime";
import { Inlet, lost } from "./inlet.ts";
import {
  type Area,
  ENCODING,
  malformed,
  MESSAGE,
  openingWords,
  PIXEL_BYTES,
  preferences,
  PROTOCOL_VERSION,
  RECT_HEAD_BYTES,
  rectHead,
  SECURITY,
  SERVER_INIT_BYTES,
  updateRequest,
} from "./rfb.ts";
import { RECORD_BYTES_MAX } from "./stream.ts";
import { answerChallenge, CHALLENGE_BYTES } from "./vnc_auth.ts";

/** A desktop's name, or a server's reason for refusing. Xvnc allows itself far less. */
const TEXT_BYTES_MAX = 4_096;

/** Clipboard text that is read only to be skipped; Xvnc's own limit. */
const CUT_TEXT_BYTES_MAX = 256 * 1024;

/** How to reach a desktop's screen. */
export interface TapOptions {
  /** Path of Xvnc's UNIX socket (`-rfbunixpath`). */
  readonly path: string;
  /** The view-only password; none when the server runs with `-SecurityTypes None`. */
  readonly password?: string | undefined;
  /** Rectangle encodings in order of preference; {@linkcode ENCODING}'s ZRLE and CopyRect by default. */
  readonly encodings?: readonly number[];
  /** For the time limit. */
  readonly clock: Clock;
  /** From connecting to the first whole picture. */
  readonly withinMs: number;
}

/** An open connection to a screen. */
export interface Tap {
  /** Pixels from left to right. */
  readonly width: number;
  /** Pixels from top to bottom. */
  readonly height: number;
  /** Record 0 of a chunk: see {@linkcode openingWords}. */
  readonly opening: Uint8Array<ArrayBuffer>;
  /** The updates that made up the first whole picture. */
  readonly picture: readonly Uint8Array<ArrayBuffer>[];
  /** Ask for what has changed; the answer comes when something has. */
  askChanges(): Promise<void>;
  /** Ask for one pixel whether it changed or not: a living server answers at once. */
  askProof(): Promise<void>;
  /**
   * The next update, as the server sent it. Only one call at a time.
   *
   * @throws {LucidError} `tap/lost` when the connection ended, `rfb/malformed` when it lost its way.
   */
  next(): Promise<Uint8Array<ArrayBuffer>>;
  /** End the connection; safe to call twice. */
  close(): void;
}

/**
 * Connect to a screen and wait for its first whole picture.
 *
 * @throws {LucidError} `tap/lost` when nothing answers in time, `tap/refused` when the server
 * does not let the tap in, `rfb/malformed` when it is no RFB 3.8 server.
 */
export async function openTap(options: TapOptions): Promise<Tap> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path: options.path });
  } catch (cause) {
    throw new LucidError(
      "tap/lost",
      "unavailable",
      "Cannot reach the screen: nothing listens on its socket",
      { cause },
    );
  }
  const tap = new RfbTap(connection);
  const cancel = options.clock.after(options.withinMs, () => tap.close());
  try {
    await tap.shakeHands(options.password);
    await tap.awaitPicture(
      options.encodings ?? [ENCODING.zrle, ENCODING.copyRect],
    );
    return tap;
  } catch (error) {
    tap.close();
    throw error;
  } finally {
    cancel();
  }
}

class RfbTap implements Tap {
  width = 0;
  height = 0;
  opening = new Uint8Array();
  readonly picture: Uint8Array<ArrayBuffer>[] = [];
  readonly #connection: Deno.UnixConn;
  readonly #inlet: Inlet;
  #closed = false;

  constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
    this.#inlet = new Inlet(connection);
  }

  async shakeHands(password: string | undefined): Promise<void> {
    const version = text(await this.#inlet.take(PROTOCOL_VERSION.length));
    if (version !== PROTOCOL_VERSION) {
      throw malformed(
        `the server opens with ${JSON.stringify(version)}, not RFB 3.8`,
      );
    }
    await this.#send(new TextEncoder().encode(PROTOCOL_VERSION));
    const count = (await this.#inlet.take(1))[0]!;
    if (count === 0) throw refused(await this.#reason());
    const offered = await this.#inlet.take(count);
    const security = password === undefined ? SECURITY.none : SECURITY.vncAuth;
    if (!offered.includes(security)) {
      throw refused(
        `it offers security types ${[...offered].join(", ")}, not ${security}`,
      );
    }
    await this.#send(Uint8Array.of(security));
    if (password !== undefined) {
      await this.#send(
        answerChallenge(await this.#inlet.take(CHALLENGE_BYTES), password),
      );
    }
    if (u32(await this.#inlet.take(4)) !== 0) {
      throw refused(await this.#reason());
    }
    await this.#send(Uint8Array.of(1)); // shared: whoever else watches stays connected
    const init = await this.#inlet.take(SERVER_INIT_BYTES);
    this.width = u16(init, 0);
    this.height = u16(init, 2);
    const name = await this.#inlet.take(
      bounded(u32(init, 20), TEXT_BYTES_MAX, "a desktop's name"),
    );
    this.opening = openingWords({
      width: this.width,
      height: this.height,
      name,
    });
  }

  /** The picture may come in pieces: an RFB server answers a request as it likes. */
  async awaitPicture(encodings: readonly number[]): Promise<void> {
    await this.#send(preferences(encodings));
    await this.#ask(this.#screen, { incremental: false });
    let missing = this.width * this.height;
    while (missing > 0) {
      if (this.picture.length > 0) await this.askChanges();
      const { bytes, pixels } = await this.#update();
      this.picture.push(bytes);
      missing -= pixels;
    }
  }

  askChanges(): Promise<void> {
    return this.#ask(this.#screen, { incremental: true });
  }

  askProof(): Promise<void> {
    return this.#ask({ x: 0, y: 0, width: 1, height: 1 }, {
      incremental: false,
    });
  }

  async next(): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#update()).bytes;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.close();
  }

  get #screen(): Area {
    return { x: 0, y: 0, width: this.width, height: this.height };
  }

  #ask(area: Area, options: { incremental: boolean }): Promise<void> {
    return this.#send(updateRequest(area, options));
  }

  async #send(bytes: Uint8Array): Promise<void> {
    try {
      for (let sent = 0; sent < bytes.length;) {
        sent += await this.#connection.write(bytes.subarray(sent));
      }
    } catch (cause) {
      throw lost(cause);
    }
  }

  async #reason(): Promise<string> {
    const count = bounded(
      u32(await this.#inlet.take(4)),
      TEXT_BYTES_MAX,
      "a reason",
    );
    return text(await this.#inlet.take(count));
  }

  /** Skip to the next update; bells, colour maps and clipboards are no part of a recording. */
  async #update(): Promise<{ bytes: Uint8Array<ArrayBuffer>; pixels: number }> {
    while (true) {
      const type = (await this.#inlet.peek(1))[0]!;
      if (type === MESSAGE.update) return await this.#wholeUpdate();
      await this.#inlet.take(await this.#sideMessageBytes(type));
    }
  }

  async #sideMessageBytes(type: number): Promise<number> {
    switch (type) {
      case MESSAGE.bell:
        return 1;
      case MESSAGE.colourMap:
        return 6 + 6 * u16(await this.#inlet.peek(6), 4);
      case MESSAGE.cutText:
        return 8 +
          bounded(
            u32(await this.#inlet.peek(8), 4),
            CUT_TEXT_BYTES_MAX,
            "a clipboard",
          );
      default:
        throw malformed(`message type ${type} is not one of RFB 3.8`);
    }
  }

  async #wholeUpdate(): Promise<
    { bytes: Uint8Array<ArrayBuffer>; pixels: number }
  > {
    const inlet = this.#inlet;
    let at = 4;
    let pixels = 0;
    for (let rects = u16(await inlet.peek(at), 2); rects > 0; rects--) {
      const head = rectHead(
        (await inlet.peek(at + RECT_HEAD_BYTES)).subarray(at),
        this,
      );
      at += RECT_HEAD_BYTES;
      const area = head.width * head.height;
      if (head.encoding === ENCODING.zrle) {
        at += 4 + u32(await inlet.peek(at + 4), at);
      } else if (head.encoding === ENCODING.copyRect) at += 4;
      else if (head.encoding === ENCODING.raw) at += area * PIXEL_BYTES;
      else {throw malformed(
          `rectangle encoding ${head.encoding} was not asked for`,
        );}
      bounded(at, RECORD_BYTES_MAX, "an update");
      pixels += area;
    }
    return { bytes: await inlet.take(at), pixels };
  }
}

function bounded(count: number, countMax: number, what: string): number {
  if (count > countMax) {
    throw malformed(`${what} of ${count} bytes is more than ${countMax}`);
  }
  return count;
}

function refused(reason: string): LucidError {
  return new LucidError(
    "tap/refused",
    "denied",
    `Cannot watch the screen: the server refuses, ${JSON.stringify(reason)}`,
  );
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function u16(bytes: Uint8Array, at = 0): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function u32(bytes: Uint8Array, at = 0): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}
