import assert from "node:assert/strict";
import { exportMp4, type FilmPiece } from "../../recorder/mp4.ts";
import { startXvnc } from "../support/xvnc.ts";
import {
  captureOf,
  plainChunk,
  SESSION,
  temporaryVault,
} from "./recordings.ts";

async function* pieces(list: readonly FilmPiece[]): AsyncGenerator<FilmPiece> {
  yield* await Promise.resolve(list);
}

async function probe(path: string): Promise<Record<string, string>> {
  const { stdout } = await new Deno.Command("ffprobe", {
    args: [
      "-v",
      "error",
      "-count_frames",
      "-select_streams",
      "v:0",
      "-show_entries",
    ]
      .concat(
        "stream=codec_name,width,height,pix_fmt,nb_read_frames,avg_frame_rate:format=duration",
        "-of",
        "default=nw=1",
        path,
      ),
  }).output();
  return Object.fromEntries(
    new TextDecoder().decode(stdout).trim().split("\n").map((line) =>
      line.split("=")
    ),
  );
}

/** Bytes of the film's pictures as grey, smaller. */
async function greyFrames(path: string): Promise<Uint8Array[]> {
  const { stdout } = await new Deno.Command("ffmpeg", {
    args: [
      "-v",
      "error",
      "-i",
      path,
      "-vf",
      "scale=32:32",
      "-f",
      "rawvideo",
      "-pix_fmt",
      "gray",
      "pipe:1",
    ],
  }).output();
  return Array.from(
    { length: stdout.length / 1024 },
    (_, n) => stdout.subarray(n * 1024, (n + 1) * 1024),
  );
}

Deno.test("mp4: a film is as long as the session, gaps are black, and ffprobe agrees", async () => {
  await using xvnc = await startXvnc({ geometry: "321x201" });
  await using vault = await temporaryVault();
  xvnc.run(
    "xterm",
    "-bg",
    "white",
    "-fullscreen",
    "-e",
    "sh",
    "-c",
    "while :; do date; sleep 0.1; done",
  );
  const { capture, leaves, untilLeaves } = await captureOf(xvnc, {
    vault,
    chunkMs: 600,
  });
  await untilLeaves(3);
  await capture.stop();
  const [, one, two] = leaves();
  const at = one!.startMs;
  const list: FilmPiece[] = [
    { startMs: at, endMs: one!.endMs, plain: await plainChunk(vault, 1) },
    { startMs: one!.endMs, endMs: one!.endMs + 1_000 },
    {
      startMs: one!.endMs + 1_000,
      endMs: two!.endMs + 1_000,
      plain: await plainChunk(vault, 2),
    },
  ];
  const path = `${vault.dir}/film.mp4`;
  const film = await exportMp4(pieces(list), {
    path,
    fps: 10,
    ffmpeg: ["ffmpeg"],
  });
  const durationMs = two!.endMs + 1_000 - at;
  assert.equal(film.frames, Math.ceil(durationMs / 100));
  const found = await probe(path);
  assert.equal(found.codec_name, "h264");
  assert.equal(found.pix_fmt, "yuv420p");
  assert.equal(`${found.width}x${found.height}`, "322x202");
  assert.equal(Number(found.nb_read_frames), film.frames);
  assert.ok(Math.abs(Number(found.duration) * 1_000 - durationMs) <= 100);
  const brightness = (await greyFrames(path)).map((frame) =>
    frame.reduce((sum, grey) => sum + grey, 0) / frame.length
  );
  const gapAt = Math.ceil((one!.endMs - at) / 100);
  assert.ok(brightness[gapAt + 4]! < 20, "the gap is black");
  assert.ok(brightness.at(-1)! > 60, "the screen is not");
  await assert.rejects(Deno.stat(`${path}.partial`), Deno.errors.NotFound);
});

Deno.test("mp4: nothing to film, no ffmpeg, an ffmpeg that ends early: sentences, and no file", async () => {
  await using vault = await temporaryVault();
  await using xvnc = await startXvnc();
  const { capture } = await captureOf(xvnc, { vault });
  await capture.stop();
  const path = `${vault.dir}/film.mp4`;
  const plain = await plainChunk(vault, 0, SESSION);
  const chunk = { startMs: 0, endMs: 60_000, plain };
  const cases = [
    {
      list: [{ startMs: 0, endMs: 5 }],
      ffmpeg: ["ffmpeg"],
      code: "recording/nothing-to-film",
    },
    {
      list: [chunk],
      ffmpeg: ["/nowhere/ffmpeg"],
      code: "recording/film-failed",
    },
    { list: [chunk], ffmpeg: ["false"], code: "recording/film-failed" },
    {
      list: [{ ...chunk, plain: plain.subarray(0, 30) }],
      ffmpeg: ["ffmpeg"],
      code: "rfb/malformed",
    },
  ];
  for (const { list, ffmpeg, code } of cases) {
    await assert.rejects(exportMp4(pieces(list), { path, fps: 5, ffmpeg }), {
      code,
      message: /^Cannot /,
    });
  }
  await assert.rejects(
    exportMp4(pieces([chunk]), {
      path,
      fps: 5,
      ffmpeg: ["ffmpeg"],
      signal: AbortSignal.abort(),
    }),
    { name: "AbortError" },
  );
  for await (const { name } of Deno.readDir(vault.dir)) {
    assert.ok(!name.startsWith("film"), name);
  }
});
