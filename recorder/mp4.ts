/**
 * Export of a recording to MP4: chunks are replayed one after the other and their pictures piped to
 * ffmpeg, at a fixed rate, so that time in the film is time in the session; gaps are black. A film is
 * a view, not evidence.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { PIXEL_BYTES } from "./rfb.ts";
import { replay } from "./replay.ts";

/** What is kept of ffmpeg's complaints. */
const COMPLAINT_BYTES_MAX = 2_048;

/** A piece of a recording: a chunk's record stream, or a gap. Times in milliseconds since the Unix epoch. */
export interface FilmPiece {
  /** First moment. */
  readonly startMs: number;
  /** Last moment. */
  readonly endMs: number;
  /** The chunk's record stream; none for a gap. */
  readonly plain?: Uint8Array;
}

/** How to make a film. */
export interface FilmOptions {
  /** File to write; it appears when it is complete. */
  readonly path: string;
  /** Pictures a second. */
  readonly fps: number;
  /** Starts ffmpeg: its name, where the path knows it, behind the words that shall go before it. */
  readonly ffmpeg: readonly string[];
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface Film {
  /** Pictures in the film. */
  readonly frames: number;
  /** Even, as H.264 wants it: an odd screen is padded. */
  readonly width: number;
  /** See `width`. */
  readonly height: number;
}

/**
 * Export a recording.
 *
 * @param pieces In order. A gap before the first chunk is as long as it was, and so is one behind the last.
 * @throws {LucidError} `recording/nothing-to-film` when there is no chunk, `recording/film-failed` when
 *   ffmpeg cannot be started or ends early, `rfb/malformed` when a chunk makes no sense.
 */
export async function exportMp4(
  pieces: AsyncIterable<FilmPiece>,
  options: FilmOptions,
): Promise<Film> {
  const partial = `${options.path}.partial`;
  const projector = new Projector({ ...options, path: partial });
  try {
    for await (const piece of pieces) await projector.show(piece);
    const film = await projector.finish();
    await Deno.rename(partial, options.path);
    return film;
  } catch (error) {
    await projector.abort();
    await Deno.remove(partial).catch(() => {});
    throw error;
  }
}

/** Counts pictures against time, and starts ffmpeg when the first chunk tells the screen's size. */
class Projector {
  readonly #options: FilmOptions;
  #startMs: number | undefined;
  #frames = 0;
  #canvas: Canvas | undefined;
  #child: Deno.ChildProcess | undefined;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #complaint: Promise<string> | undefined;

  constructor(options: FilmOptions) {
    this.#options = options;
  }

  async show({ startMs, endMs, plain }: FilmPiece): Promise<void> {
    this.#startMs ??= startMs;
    // Whatever was last to be seen has ended where this piece starts.
    await this.#hold(startMs);
    if (plain === undefined) this.#canvas?.clear();
    else {
      for await (const { atMs, screen } of replay(plain)) {
        this.#canvas ??= this.#start(screen);
        await this.#hold(startMs + atMs);
        this.#canvas.take(screen);
      }
    }
    await this.#hold(endMs);
  }

  async finish(): Promise<Film> {
    if (this.#canvas === undefined || this.#writer === undefined) {
      throw new LucidError(
        "recording/nothing-to-film",
        "missing",
        "Cannot export a film: no chunk of this recording is stored",
      );
    }
    if (this.#frames === 0) await this.#write();
    await this.#writer.close().catch(() => {});
    const { code } = await this.#child!.status;
    if (code !== 0) throw failed(await this.#complaint!);
    await this.#complaint;
    const { width, height } = this.#canvas;
    return {
      frames: this.#frames,
      width: width + width % 2,
      height: height + height % 2,
    };
  }

  async abort(): Promise<void> {
    if (this.#child === undefined) return;
    await this.#writer?.abort().catch(() => {});
    try {
      this.#child.kill("SIGKILL");
    } catch { /* It has ended already. */ }
    await this.#child.status;
    await this.#complaint;
  }

  /** Go on showing what is on the canvas up to, and not including, the picture due at `untilMs`. */
  async #hold(untilMs: number): Promise<void> {
    if (this.#canvas === undefined) return;
    const due = Math.ceil(
      (untilMs - this.#startMs!) * this.#options.fps / 1_000,
    );
    while (this.#frames < due) await this.#write();
  }

  async #write(): Promise<void> {
    this.#options.signal?.throwIfAborted();
    try {
      await this.#writer!.ready;
      await this.#writer!.write(this.#canvas!.rgba);
    } catch {
      await this.#child!.status;
      throw failed(await this.#complaint!);
    }
    this.#frames++;
  }

  #start(
    { width, height }: { readonly width: number; readonly height: number },
  ): Canvas {
    const { ffmpeg: [program, ...before], fps, path } = this.#options;
    const input = [
      "-f",
      "rawvideo",
      "-pixel_format",
      "rgba",
      "-video_size",
      `${width}x${height}`,
      "-framerate",
      `${fps}`,
    ];
    const picture = [
      "-vf",
      "pad=ceil(iw/2)*2:ceil(ih/2)*2",
      "-pix_fmt",
      "yuv420p",
    ];
    const codec = [
      "-c:v",
      "libx264",
      "-preset",
      "veryfast",
      "-crf",
      "23",
      "-movflags",
      "+faststart",
    ];
    try {
      this.#child = new Deno.Command(program!, {
        args: [
          ...before,
          "-hide_banner",
          "-loglevel",
          "error",
          "-y",
          ...input,
          "-i",
          "pipe:0",
          ...picture,
          ...codec,
          "-f",
          "mp4",
          path,
        ],
        stdin: "piped",
        stdout: "null",
        stderr: "piped",
      }).spawn();
    } catch (cause) {
      throw new LucidError(
        "recording/film-failed",
        "unavailable",
        `Cannot export a film: ${program} cannot be started; install it`,
        { cause },
      );
    }
    this.#writer = this.#child.stdin.getWriter();
    this.#complaint = tail(this.#child.stderr);
    return new Canvas(width, height);
  }
}

/** What is shown: the size of the first chunk's screen, whatever later ones have. */
class Canvas {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.rgba = new Uint8Array(width * height * PIXEL_BYTES);
  }

  clear(): void {
    this.rgba.fill(0);
  }

  take(
    screen: {
      readonly width: number;
      readonly height: number;
      readonly rgba: Uint8Array;
    },
  ): void {
    if (screen.width === this.width && screen.height === this.height) {
      return this.rgba.set(screen.rgba);
    }
    this.clear();
    const bytes = Math.min(screen.width, this.width) * PIXEL_BYTES;
    for (let y = 0; y < Math.min(screen.height, this.height); y++) {
      const row = screen.rgba.subarray(y * screen.width * PIXEL_BYTES);
      this.rgba.set(row.subarray(0, bytes), y * this.width * PIXEL_BYTES);
    }
  }
}

async function tail(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of stderr.pipeThrough(new TextDecoderStream())) {
    text = (text + part).slice(-COMPLAINT_BYTES_MAX);
  }
  return text.trim();
}

function failed(complaint: string): LucidError {
  return new LucidError(
    "recording/film-failed",
    "unavailable",
    `Cannot export a film: ffmpeg ended early, ${JSON.stringify(complaint)}`,
  );
}
