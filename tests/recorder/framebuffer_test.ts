import assert from "node:assert/strict";
import { constants, deflateSync } from "node:zlib";
import fc from "fast-check";
import { Framebuffer } from "../../recorder/framebuffer.ts";
import { openingWords } from "../../recorder/rfb.ts";

const NAME = new TextEncoder().encode("test");

function screen(width = 70, height = 3): Framebuffer {
  return new Framebuffer(openingWords({ width, height, name: NAME }));
}

function u16(...values: number[]): number[] {
  return values.flatMap((value) => [value >> 8, value & 255]);
}

/** An update of one rectangle over the whole of a screen. */
function update(
  encoding: number,
  body: readonly number[],
  [x, y, width, height] = [0, 0, 70, 3],
): Uint8Array {
  return Uint8Array.from([
    0,
    0,
    0,
    1,
    ...u16(x!, y!, width!, height!),
    0,
    0,
    ...u16(encoding),
    ...body,
  ]);
}

function zrle(tiles: readonly number[]): number[] {
  const packed = deflateSync(Uint8Array.from(tiles), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return [0, 0, ...u16(packed.length), ...packed];
}

/** Colours of the first row. */
function row(screen: Framebuffer, y = 0): string[] {
  return Array.from({ length: screen.width }, (_, x) => {
    const at = (y * screen.width + x) * 4;
    return screen.rgba.subarray(at, at + 3).toHex();
  });
}

const RED = [255, 0, 0], GREEN = [0, 255, 0], BLUE = [0, 0, 255];

const TILES: {
  readonly name: string;
  readonly tile: number[];
  readonly first: string[];
}[] = [
  {
    name: "raw",
    tile: [0, ...Array(192).fill(RED).flat()],
    first: ["ff0000", "ff0000"],
  },
  { name: "one colour", tile: [1, ...GREEN], first: ["00ff00", "00ff00"] },
  {
    name: "two colours, packed",
    tile: [2, ...RED, ...BLUE, ...Array(24).fill(0b01000000)],
    first: ["ff0000", "0000ff", "ff0000"],
  },
  {
    name: "three colours, packed",
    tile: [3, ...RED, ...GREEN, ...BLUE, ...Array(48).fill(0b00_01_10_00)],
    first: ["ff0000", "00ff00", "0000ff", "ff0000"],
  },
  {
    name: "five colours, packed",
    tile: [
      5,
      ...RED,
      ...GREEN,
      ...BLUE,
      ...RED,
      ...GREEN,
      ...Array(96).fill(0x24),
    ],
    first: ["0000ff", "00ff00"],
  },
  {
    name: "plain runs",
    tile: [128, ...RED, 0, ...BLUE, 190],
    first: ["ff0000", "0000ff", "0000ff"],
  },
  {
    name: "palette runs",
    tile: [130, ...RED, ...BLUE, 0, 1, 128, 189],
    first: ["ff0000", "0000ff", "ff0000"],
  },
];

for (const { name, tile, first } of TILES) {
  Deno.test(`framebuffer.draw paints a ZRLE tile: ${name}`, async () => {
    using target = screen();
    await target.draw(update(16, zrle([...tile, 1, ...GREEN])));
    assert.deepEqual(row(target).slice(0, first.length), first);
    assert.deepEqual(
      row(target).slice(64),
      Array(6).fill("00ff00"),
      "the narrow tile at the edge",
    );
  });
}

Deno.test("framebuffer.draw paints raw pixels and copies overlapping areas both ways", async () => {
  for (const [from, to] of [[0, 1], [1, 0]]) {
    using target = screen(1, 3);
    await target.draw(
      update(0, [...RED, 0, ...GREEN, 0, ...BLUE, 0], [0, 0, 1, 3]),
    );
    await target.draw(update(1, u16(0, from!), [0, to!, 1, 2]));
    const column = [0, 1, 2].map((y) => row(target, y)[0]);
    assert.deepEqual(
      column,
      to === 1
        ? ["ff0000", "ff0000", "00ff00"]
        : ["00ff00", "0000ff", "0000ff"],
    );
  }
});

const NONSENSE: { readonly name: string; readonly bytes: Uint8Array }[] = [
  { name: "another message", bytes: Uint8Array.of(2, 0, 0, 0) },
  { name: "an unknown encoding", bytes: update(5, []) },
  {
    name: "a rectangle beyond the screen",
    bytes: update(16, zrle([1, ...RED]), [60, 0, 20, 3]),
  },
  { name: "a copy from beyond the screen", bytes: update(1, u16(1, 0)) },
  { name: "a missing tile", bytes: update(16, zrle([1, ...RED])) },
  {
    name: "bytes after the last tile",
    bytes: update(16, zrle([1, ...RED, 1, ...RED, 9])),
  },
  {
    name: "bytes after the last rectangle",
    bytes: Uint8Array.of(...update(16, zrle([1, ...RED, 1, ...RED])), 0),
  },
  {
    name: "a run that leaves its tile",
    bytes: update(16, zrle([128, ...RED, 192, 1, ...RED])),
  },
  {
    name: "a colour beyond the palette",
    bytes: update(16, zrle([130, ...RED, ...BLUE, 2])),
  },
  { name: "an unused subencoding", bytes: update(16, zrle([17])) },
  {
    name: "bytes that do not unpack",
    bytes: update(16, [0, 0, 0, 4, 1, 2, 3, 4]),
  },
];

for (const { name, bytes } of NONSENSE) {
  Deno.test(`framebuffer.draw refuses ${name}`, async () => {
    using target = screen();
    await assert.rejects(target.draw(bytes), { code: "rfb/malformed" });
  });
}

Deno.test("framebuffer.draw stops a bomb before it has unpacked", async () => {
  using target = screen();
  await assert.rejects(
    target.draw(update(16, zrle(Array(1_000_000).fill(0)))),
    {
      message:
        "Cannot read the screen's stream: a rectangle unpacks to more than its pixels",
    },
  );
});

Deno.test("framebuffer: hostile updates are drawn or refused", async () => {
  const whole = update(16, zrle([...TILES[5]!.tile, 1, ...GREEN]));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
        maxLength: 5,
      }),
      async (edits) => {
        const bytes = whole.slice();
        for (const [at, value] of edits) bytes[at] = value;
        using target = screen();
        await target.draw(bytes).catch((error) =>
          assert.equal(error.code, "rfb/malformed", error)
        );
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("framebuffer: a screen that is too large, or none, is refused", () => {
  assert.throws(() => screen(65_535, 65_535), { code: "rfb/malformed" });
  assert.throws(() => screen(0, 5), { code: "rfb/malformed" });
  assert.throws(() => new Framebuffer(new Uint8Array(10)), {
    code: "rfb/malformed",
  });
});
