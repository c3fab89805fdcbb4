import assert from "node:assert/strict";
import fc from "fast-check";
import { LucidError } from "@lucid/runtime";
import { z } from "zod";
import { check, decimal } from "../../gateway/check.ts";
import { NewSession } from "../../gateway/session_view.ts";
import { Session } from "../../actors/session/protocol.ts";

const source = fc.oneof(
  fc.record(
    {
      kind: fc.constant("desktop"),
      width: fc.integer({ min: 320, max: 3_840 }),
      height: fc.integer({ min: 240, max: 2_160 }),
    },
    { requiredKeys: ["kind"] },
  ),
  fc.record(
    {
      kind: fc.constant("vnc"),
      socket_path: fc.string({ minLength: 1, maxLength: 107 }),
      password_path: fc.string({ minLength: 1, maxLength: 200 }),
    },
    { requiredKeys: ["kind", "socket_path"] },
  ),
);

const good = fc.record(
  {
    source,
    name: fc.string({ minLength: 1, maxLength: 255 }),
    description: fc.string({ maxLength: 500 }),
    mode: fc.constantFrom("strict", "lenient"),
    chunk_ms: fc.integer({ min: 1_000, max: 60_000 }),
    max_duration_ms: fc.integer({ min: 1_000, max: 86_400_000 }),
  },
  { requiredKeys: ["source"] },
);

const isRefusal = (error: unknown) =>
  error instanceof LucidError && error.kind === "invalid" &&
  /^Cannot read the body: .{3,900}$/s.test(error.message);

Deno.test("a session that the door lets in is one that the actor can take", () => {
  fc.assert(fc.property(good, (body) => {
    const { chunk_ms, max_duration_ms, ...rest } = NewSession.parse(body);
    Session.commands.create.input.parse({
      ...rest,
      user: "u",
      node: "n",
      chunkMs: chunk_ms,
      maxDurationMs: max_duration_ms,
    });
  }));
});

Deno.test("reading a session twice changes nothing more", () => {
  fc.assert(fc.property(good, (body) => {
    const once = NewSession.parse(body);
    assert.deepEqual(NewSession.parse(once), once);
  }));
});

Deno.test("one more field is one too many", () => {
  const known = new Set(Object.keys(NewSession.shape));
  const field = fc.string().filter((name) => !known.has(name));
  fc.assert(fc.property(good, field, fc.jsonValue(), (body, name, value) => {
    const more = { ...body };
    Object.defineProperty(more, name, { value, enumerable: true });
    assert.throws(() => check(NewSession, more, "the body"), isRefusal);
  }));
});

Deno.test("whatever JSON comes, it is let in whole or refused in a sentence", () => {
  const mutant = fc.tuple(good, fc.jsonValue(), fc.nat()).map(
    ([body, value, at]) => {
      const names = Object.keys(body);
      return { ...body, [names[at % names.length]!]: value };
    },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), mutant), (value) => {
      try {
        const read = check(NewSession, value, "the body");
        assert.deepEqual(NewSession.parse(read), read);
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("a decimal is read as it is written, and nothing else is", () => {
  const shape = z.strictObject({ n: decimal(z.int().min(0).max(1_000_000)) });
  fc.assert(fc.property(fc.integer({ min: 0, max: 1_000_000 }), (n) => {
    assert.deepEqual(check(shape, { n: String(n) }, "the query"), { n });
  }));
  fc.assert(fc.property(fc.string(), (text) => {
    fc.pre(!/^(?:0|[1-9]\d*)$/.test(text));
    assert.throws(() => check(shape, { n: text }, "the query"), LucidError);
  }));
});
