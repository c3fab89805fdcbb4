import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeFrame, encodeFrame, type Frame } from "../../runtime/frame.ts";

const text = fc.string({ maxLength: 60, unit: "grapheme" });
const frames: fc.Arbitrary<Frame> = fc.record({
  kind: fc.constantFrom("ask", "tell", "answer"),
  shard: fc.option(fc.nat(255), { nil: undefined }),
  correlation: fc.nat(0xffffffff),
  epoch: fc.nat(0xffffffff),
  leftMs: fc.nat(0xffffffff),
  from: text,
  address: text,
  command: text,
  op: text,
  traceparent: text,
  body: fc.jsonValue(),
});

Deno.test("frame round trip", () => {
  fc.assert(fc.property(frames, (frame) => {
    fc.pre(
      [frame.from, frame.address, frame.command, frame.op, frame.traceparent]
        .every((one) => new TextEncoder().encode(one).length < 256),
    );
    const plain = { ...frame, body: JSON.parse(JSON.stringify(frame.body)) };
    assert.deepEqual({ ...decodeFrame(encodeFrame(frame)) }, plain);
  }));
});

Deno.test("frame.decode refuses whatever is not a frame, and throws nothing else", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.throws(() => decodeFrame(bytes), { code: "frame/invalid" });
  }));
  fc.assert(
    fc.property(
      frames,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (frame, at, flip) => {
        const bytes = encodeFrame({
          ...frame,
          op: "",
          traceparent: "",
          command: "c",
          address: "a/b",
          from: "n",
        });
        bytes[at % bytes.length]! ^= flip;
        try {
          decodeFrame(bytes);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "frame/invalid");
        }
      },
    ),
  );
});

Deno.test("frame.decode reads a text as it was written, and refuses one that is no UTF-8", () => {
  const frame: Frame = {
    kind: "ask",
    shard: 1,
    correlation: 1,
    epoch: 0,
    leftMs: 1,
    from: "n",
    address: "a/b",
    command: "\ufeffc",
    op: "op",
    traceparent: "",
    body: null,
  };
  const bytes = encodeFrame(frame);
  assert.equal(decodeFrame(bytes).command, "\ufeffc");
  bytes[bytes.lastIndexOf("p".charCodeAt(0))] = 0xff;
  assert.throws(() => decodeFrame(bytes), { code: "frame/invalid" });
});

Deno.test("frame.encode refuses what does not fit", () => {
  const frame: Frame = {
    kind: "ask",
    shard: 1,
    correlation: 1,
    epoch: 0,
    leftMs: 1,
    from: "n",
    address: "a/b",
    command: "c",
    op: "",
    traceparent: "",
    body: null,
  };
  assert.throws(() => encodeFrame({ ...frame, op: "x".repeat(256) }), {
    code: "frame/too-large",
  });
  assert.throws(() => encodeFrame({ ...frame, body: "x".repeat(1 << 20) }), {
    code: "frame/too-large",
  });
});

Deno.test("frame bytes are these", () => {
  const bytes = encodeFrame({
    kind: "ask",
    shard: 7,
    correlation: 258,
    epoch: 3,
    leftMs: 5000,
    from: "n1",
    address: "ledger/a",
    command: "add",
    op: "x",
    traceparent: "",
    body: { by: 1 },
  });
  assert.equal(
    bytes.toHex(),
    "0000002b" + "01" + "00" + "0007" + "00000102" + "00000003" + "00001388" +
      "026e31" + "086c65646765722f61" + "03616464" + "0178" + "00" +
      "7b226279223a317d",
  );
});
