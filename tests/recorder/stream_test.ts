import assert from "node:assert/strict";
import fc from "fast-check";
import { PLAIN_BYTES_MAX } from "../../chain/leaf.ts";
import {
  readStream,
  RECORD_BYTES_MAX,
  StreamWriter,
} from "../../recorder/stream.ts";

const MALFORMED = {
  code: "rfb/malformed",
  message: /^Cannot read the screen's stream: /,
};

const record = {
  atMs: fc.nat(60_000),
  bytes: fc.uint8Array({ maxLength: 200_000, size: "max" }),
};
const records = fc.array(fc.record(record, { noNullPrototype: true }), {
  maxLength: 12,
});

function written(
  list: readonly { atMs: number; bytes: Uint8Array }[],
): Uint8Array<ArrayBuffer> {
  const writer = new StreamWriter();
  for (const record of list) writer.add(record);
  return writer.bytes();
}

Deno.test("stream: what was written is read, in order", () => {
  fc.assert(
    fc.property(records, (list) => {
      const sorted = list.toSorted((a, b) => a.atMs - b.atMs);
      assert.deepEqual([...readStream(written(sorted))], sorted);
    }),
    { numRuns: 50 },
  );
});

Deno.test("stream: a clock that falls back is held, for times never fall", () => {
  const stream = written([{ atMs: 500, bytes: Uint8Array.of(1) }, {
    atMs: 400.7,
    bytes: Uint8Array.of(2),
  }]);
  assert.deepEqual([...readStream(stream)].map(({ atMs }) => atMs), [500, 500]);
});

Deno.test("stream: cut off anywhere but between records, it is refused", () => {
  const list = [{ atMs: 0, bytes: new Uint8Array(10) }, {
    atMs: 5,
    bytes: new Uint8Array(20),
  }];
  const stream = written(list);
  const whole = new Set([9, 9 + 18, 9 + 18 + 28]);
  for (let length = 0; length <= stream.length; length++) {
    const read = () => [...readStream(stream.subarray(0, length))].length;
    if (whole.has(length)) assert.doesNotThrow(read);
    else assert.throws(read, MALFORMED, `${length} bytes`);
  }
});

Deno.test("stream: hostile bytes are read or refused, and what is read writes the same bytes again", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (tail) => {
      const stream = new Uint8Array([...written([]), ...tail]);
      try {
        assert.deepEqual(written([...readStream(stream)]), stream);
      } catch (error) {
        assert.equal((error as { code?: string }).code, MALFORMED.code);
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("stream: a chunk never grows beyond what a leaf allows", () => {
  const writer = new StreamWriter();
  const largest = new Uint8Array(RECORD_BYTES_MAX);
  writer.add({ atMs: 0, bytes: new Uint8Array(49) });
  assert.ok(writer.fits(largest));
  writer.add({ atMs: 0, bytes: largest });
  assert.ok(writer.bytes().length <= PLAIN_BYTES_MAX);
  assert.ok(!writer.fits(new Uint8Array(10_000)));
  assert.throws(
    () => [...readStream(new Uint8Array(PLAIN_BYTES_MAX + 1))],
    MALFORMED,
  );
});
