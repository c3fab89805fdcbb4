import assert from "node:assert/strict";
import { inspect } from "node:util";
import fc from "fast-check";
import { z } from "zod";
import {
  formatAddress,
  LucidError,
  openLog,
  parseAddress,
  readConfig,
  Secret,
  shardOf,
  subjectMatches,
  ulidMaker,
} from "@lucid/runtime";
import {
  manualClock,
  seededRandom,
  TEST_EPOCH_MS,
} from "@lucid/runtime/testing";
import { Agenda } from "../../runtime/agenda.ts";

Deno.test("address round trip, and nothing else gets through", () => {
  const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
  fc.assert(
    fc.property(
      token,
      token,
      fc.option(token, { nil: "" }),
      (kind, id, node) => {
        assert.deepEqual(parseAddress(formatAddress({ kind, node, id })), {
          kind,
          node,
          id,
        });
      },
    ),
  );
  for (
    const text of [
      "",
      "a",
      "a/",
      "/a",
      "a/b/c/d",
      "a/b.c",
      "a/*",
      "a/>",
      "a b/c",
      `a/${"x".repeat(65)}`,
      "a/b\n",
    ]
  ) {
    assert.throws(() => parseAddress(text), { code: "address/invalid" }, text);
  }
});

Deno.test("address.shardOf is FNV-1a", () => {
  // The published 32-bit vectors: "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968.
  assert.equal(shardOf("", ""), 0xc5);
  assert.equal(shardOf("a", ""), 0x2c);
  assert.equal(shardOf("foo", "bar"), 0x68);
  assert.equal(shardOf("foob", "ar"), 0x68);
});

Deno.test("ulid rises within a millisecond, across clock jumps, and carries its time", () => {
  const clock = manualClock();
  const newId = ulidMaker({ clock, random: seededRandom(7) });
  const ids = Array.from({ length: 1000 }, newId);
  clock.setNow(TEST_EPOCH_MS - 5_000_000);
  ids.push(...Array.from({ length: 1000 }, newId));
  clock.setNow(TEST_EPOCH_MS + 5);
  ids.push(newId());
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
  assert(ids.every((id) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)));
  const again = ulidMaker({
    clock: { ...clock, now: () => 1469918176385 },
    random: seededRandom(1),
  });
  assert.equal(again().slice(0, 10), "01ARYZ6S41");
});

Deno.test("log writes JSON lines, keeps secrets, and shows errors", () => {
  const lines: string[] = [];
  const log = openLog({
    clock: manualClock(),
    write: (line) => lines.push(line),
  }).with({ node: "n1" });
  log.debug("unseen");
  log.warn("odd", {
    big: 2n ** 64n,
    password: new Secret("hunter2"),
    error: new LucidError("a/b", "denied", "Cannot", {
      cause: new Error("why"),
    }),
  });
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0]!);
  assert.deepEqual([
    line.t,
    line.level,
    line.msg,
    line.node,
    line.big,
    line.password,
  ], [
    "2026-01-01T00:00:00.000Z",
    "warn",
    "odd",
    "n1",
    "18446744073709551616",
    "[secret]",
  ]);
  assert.deepEqual([
    line.error.code,
    line.error.message,
    line.error.cause.message,
  ], ["a/b", "Cannot", "why"]);
  const secret = new Secret("hunter2");
  for (
    const shown of [
      `${secret}`,
      JSON.stringify({ secret }),
      Deno.inspect(secret),
      inspect(secret),
    ]
  ) {
    assert(!shown.includes("hunter2"), shown);
  }
  assert.equal(secret.reveal(), "hunter2");
});

Deno.test("config names every problem at once", () => {
  const schema = z.strictObject({
    LUCID_PORT: z.coerce.number().int().min(1).default(8080),
    LUCID_DATA: z.string(),
  });
  assert.deepEqual(
    readConfig(schema, { LUCID_DATA: "x", LUCID_PORT: undefined }),
    { LUCID_PORT: 8080, LUCID_DATA: "x" },
  );
  assert.throws(
    () => readConfig(schema, { LUCID_PORT: "many", LUCID_PORTT: "1" }),
    (error) => {
      assert(error instanceof LucidError);
      assert.equal(error.code, "config/invalid");
      assert.match(
        error.message,
        /^Cannot read the configuration: LUCID_PORT: .*; LUCID_DATA: .*; .*LUCID_PORTT/,
      );
      return true;
    },
  );
});

Deno.test("subject patterns match as NATS does", () => {
  for (
    const [pattern, subject, fits] of [
      ["a.b", "a.b", true],
      ["a.*", "a.b", true],
      ["a.*", "a", false],
      ["a.*", "a.b.c", false],
      ["a.>", "a.b.c", true],
      ["a.>", "a", false],
      [">", "a", true],
      ["*.b.>", "a.b.c", true],
      ["a.b.c", "a.b", false],
    ] as const
  ) {
    assert.equal(
      subjectMatches(pattern, subject),
      fits,
      `${pattern} ${subject}`,
    );
  }
});

Deno.test("agenda rings in order, once, and not when called off", async () => {
  const clock = manualClock();
  const agenda = new Agenda(clock);
  const random = seededRandom(3);
  const rung: number[] = [];
  const expected: number[] = [];
  for (let i = 0; i < 5000; i++) {
    const ms = random.below(1000);
    const alarm = agenda.after(ms, () => {
      rung.push(ms);
      alarm.cancel();
    });
    if (random.chance(0.7)) alarm.cancel();
    else expected.push(ms);
  }
  await clock.advance(1000);
  assert.deepEqual(rung, expected.sort((a, b) => a - b));
  agenda.after(1, () => rung.push(-1));
  agenda.close();
  await clock.advance(10);
  assert(!rung.includes(-1));
});
