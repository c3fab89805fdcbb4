import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { decode, encode, type Value } from "../../chain/canonical.ts";
import { FormatError } from "../../chain/error.ts";
import { join } from "../../chain/hash.ts";
import {
  CODECS,
  decodeLeaf,
  encodeLeaf,
  type GapLeaf,
  isReason,
  PLAIN_BYTES_MAX,
  SEALED_BYTES_MAX,
  segmentRoot,
} from "../../chain/leaf.ts";
import { merkleRoot } from "../../chain/merkle.ts";
import { openChunk } from "../../chain/open_chunk.ts";
import { ulidBytes, ulidText } from "../../chain/ulid.ts";
import { unpack } from "../../chain/unpack.ts";
import { bytesOf, node, sealChunk, SESSION } from "./world.ts";

const PLAIN = new TextEncoder().encode(
  "one picture after the other ".repeat(500),
);
const GAP: GapLeaf = {
  kind: "gap",
  index: 3,
  startMs: 5,
  endMs: 9,
  reason: "tap lost",
};
const whole = (made: ReturnType<typeof sealChunk>) => ({
  ...made,
  recorderKey: node.publicKey,
  sessionId: SESSION,
});

Deno.test("ulid text and bytes are the same 128 bits", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      assert.deepEqual(ulidBytes(ulidText(bytes)), bytes);
    }),
  );
  assert.equal(
    ulidBytes("01ARZ3NDEKTSV4RRFFQ69G5FAV").toHex(),
    "01563e3ab5d3d6764c61efb99302bd5b",
  );
  for (
    const bad of [
      "",
      "01arz3ndektsv4rrffq69g5fav",
      "81ARZ3NDEKTSV4RRFFQ69G5FAV",
      "01ARZ3NDEKTSV4RRFFQ69G5FAU",
    ]
  ) {
    assert.throws(() => ulidBytes(bad), FormatError);
  }
});

Deno.test("leaf: what is encoded is decoded", () => {
  const { leaf } = sealChunk(PLAIN);
  assert.deepEqual(decodeLeaf(encodeLeaf(leaf)), leaf);
  assert.deepEqual(decodeLeaf(encodeLeaf(GAP)), GAP);
});

const items = decode(encodeLeaf(sealChunk(PLAIN).leaf)) as Value[];
const stored = decode(
  encodeLeaf(sealChunk(PLAIN, { codec: CODECS.stored }).leaf),
) as Value[];
const BROKEN: readonly (readonly [string, Value])[] = [
  ["another kind", items.with(0, 3)],
  ["an index of 33 bits", items.with(1, 2 ** 32)],
  ["an end before the start", items.with(3, (items[2] as number) - 1)],
  ["an unknown codec", items.with(4, 3)],
  ["too many plain bytes", items.with(5, PLAIN_BYTES_MAX + 1)],
  ["no room for the tag", items.with(6, 15)],
  ["too many sealed bytes", items.with(6, SEALED_BYTES_MAX + 1)],
  ["a short hash", items.with(7, bytesOf("x").slice(1))],
  ["a text as salt", items.with(9, "salt")],
  ["an item too many", [...items, 0]],
  ["an item too few", items.slice(0, -1)],
  ["stored bytes that grew", stored.with(6, (stored[6] as number) + 1)],
  ["no reason", [2, 0, 0, 0, ""]],
  ["a reason of 65 bytes", [2, 0, 0, 0, "x".repeat(65)]],
  ["a reason with a line feed", [2, 0, 0, 0, "a\nb"]],
  ["a reason that turns the line", [2, 0, 0, 0, "a\u202eb"]],
  ["nothing", []],
  ["a map", new Map()],
];
for (const [what, value] of BROKEN) {
  Deno.test(`leaf.decode refuses ${what}`, () => {
    assert.throws(() => decodeLeaf(encode(value)), FormatError);
  });
}

Deno.test("leaf.isReason counts bytes, and takes any script", () => {
  assert.ok(isReason("Aufnahme unterbrochen: 接続 lost"));
  assert.ok(isReason("é".repeat(32)));
  assert.ok(!isReason("é".repeat(33)));
  assert.ok(!isReason("\ud800"));
});

Deno.test("leaf.segmentRoot is over pieces of 16 KiB, the last one shorter", () => {
  const bytes = new Uint8Array(40_000).map((_, at) => at);
  const pieces = [
    bytes.subarray(0, 16_384),
    bytes.subarray(16_384, 32_768),
    bytes.subarray(32_768),
  ];
  assert.deepEqual(segmentRoot(bytes), merkleRoot(pieces));
});

for (const [name, codec] of Object.entries(CODECS)) {
  Deno.test(`openChunk opens a ${name} chunk`, () => {
    assert.deepEqual(openChunk(whole(sealChunk(PLAIN, { codec }))), PLAIN);
    assert.equal(
      openChunk(whole(sealChunk(new Uint8Array(), { codec }))).length,
      0,
    );
  });
}

Deno.test("openChunk refuses other bytes, another key, session, recorder and position", () => {
  const made = whole(sealChunk(PLAIN));
  const flipped = made.sealed.slice();
  flipped[20]! ^= 1;
  assert.throws(() => openChunk({ ...made, sealed: flipped }), /SHA-256/);
  assert.throws(
    () => openChunk({ ...made, sealed: made.sealed.slice(1) }),
    /the leaf says/,
  );
  assert.throws(
    () => openChunk({ ...made, chunkKey: bytesOf("other") }),
    /commits to/,
  );
  const leaf = { ...made.leaf, segmentRoot: bytesOf("other") };
  assert.throws(() => openChunk({ ...made, leaf }), /segment root/);
  assert.throws(
    () => openChunk({ ...made, sessionId: "01KDVCN40000000000000SE552" }),
    /Cannot decrypt/,
  );
  assert.throws(
    () => openChunk({ ...made, recorderKey: bytesOf("other") }),
    /Cannot decrypt/,
  );
  assert.throws(
    () => openChunk({ ...made, leaf: { ...made.leaf, index: 1 } }),
    /Cannot decrypt/,
  );
});

const zstd = new Uint8Array(zstdCompressSync(PLAIN));
const gzip = new Uint8Array(gzipSync(PLAIN));
const named = join(
  gzip.slice(0, 3),
  Uint8Array.of(0x08),
  gzip.slice(4, 10),
  Uint8Array.of(0x61, 0),
  gzip.slice(10),
);
const PACKED:
  readonly (readonly [string, 1 | 2, Uint8Array, RegExp | undefined])[] = [
    ["one zstd frame", 1, zstd, undefined],
    ["two zstd frames", 1, join(zstd, zstd), /follow the frame/],
    [
      "a byte after the frame",
      1,
      join(zstd, Uint8Array.of(0)),
      /follow the frame/,
    ],
    [
      "a skippable frame",
      1,
      join(Uint8Array.fromHex("502a4d1800000000"), zstd),
      /does not begin/,
    ],
    ["a cut frame", 1, zstd.slice(0, -1), /cut off/],
    [
      "a frame with a dictionary",
      1,
      withByte(zstd, { at: 4, byte: zstd[4]! | 1 }),
      /dictionary|cut off/,
    ],
    [
      "a frame with a window of 256 MiB",
      1,
      Uint8Array.fromHex("28b52ffd0090010000"),
      /window/,
    ],
    ["nothing as zstd", 1, new Uint8Array(), /cut off/],
    ["one gzip member", 2, gzip, undefined],
    ["one gzip member with a name", 2, named, undefined],
    ["two gzip members", 2, join(gzip, gzip), /one member/],
    ["a byte after the member", 2, join(gzip, Uint8Array.of(0)), /one member/],
    ["a cut member", 2, gzip.slice(0, -1), /one member/],
    ["a member cut in the middle", 2, gzip.slice(0, 30), /Cannot unpack gzip/],
    [
      "a member with another checksum",
      2,
      withByte(gzip, { at: gzip.length - 8, byte: gzip.at(-8)! ^ 1 }),
      /checksum/,
    ],
    [
      "a member with another length",
      2,
      withByte(gzip, { at: gzip.length - 1, byte: 1 }),
      /length/,
    ],
    ["nothing as gzip", 2, new Uint8Array(), /begin/],
  ];
for (const [what, codec, packed, trouble] of PACKED) {
  Deno.test(`unpack ${trouble === undefined ? "takes" : "refuses"} ${what}`, () => {
    const run = () => unpack(packed, { codec, plainBytes: PLAIN.length });
    if (trouble === undefined) assert.deepEqual(run(), PLAIN);
    else {assert.throws(run, (error) =>
        error instanceof FormatError && trouble.test(error.message));}
  });
}

Deno.test("unpack never gives more bytes than were promised", () => {
  const bomb = new Uint8Array(50_000_000);
  for (
    const [codec, packed] of [[1, zstdCompressSync(bomb)], [
      2,
      gzipSync(bomb),
    ]] as const
  ) {
    assert.throws(
      () => unpack(new Uint8Array(packed), { codec, plainBytes: 1_000 }),
      FormatError,
    );
  }
});

function withByte(
  bytes: Uint8Array,
  { at, byte }: { at: number; byte: number },
): Uint8Array {
  const changed = bytes.slice();
  changed[at] = byte;
  return changed;
}
