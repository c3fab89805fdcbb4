import assert from "node:assert/strict";
import {
  decode as cborgDecode,
  encode as cborgEncode,
  rfc8949EncodeOptions,
} from "cborg";
import fc from "fast-check";
import { decode, encode, type Value } from "../../chain/canonical.ts";
import { FormatError } from "../../chain/error.ts";

/** How many mutants are tried: the bar is 100,000. */
const MUTANTS = 120_000;

const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeNat(),
    fc.nat(300),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.uniqueArray(fc.tuple(fc.nat(70_000), tie("value")), {
      maxLength: 5,
      selector: ([key]) => key,
    }).map((fields) => new Map(fields)),
  ),
})).value;

const REFUSED: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["a number in two bytes that fits one", "1817"],
  ["a number in three bytes that fits two", "1900ff"],
  ["a number in five bytes that fits three", "1a0000ffff"],
  ["a number in nine bytes that fits five", "1b00000000ffffffff"],
  ["2^53", "1b0020000000000000"],
  ["2^64 - 1", "1bffffffffffffffff"],
  ["a negative number", "20"],
  ["a tag", "c100"],
  ["a half float", "f90000"],
  ["a double that is whole", "fb3ff0000000000000"],
  ["undefined", "f7"],
  ["a simple value", "f8ff"],
  ["an indefinite byte string", "5f4100ff"],
  ["an indefinite text", "7f6161ff"],
  ["an indefinite array", "9f00ff"],
  ["an indefinite map", "bf0000ff"],
  ["a stop code", "ff"],
  ["a reserved length", "1c"],
  ["map keys that fall", "a201000000"],
  ["a map key twice", "a200000001"],
  ["a text as map key", "a1616100"],
  ["text that is not UTF-8", "61ff"],
  ["text with a surrogate", "63eda080"],
  ["text in an overlong form", "62c0af"],
  ["a length beyond the end", "4401"],
  ["an array longer than the bytes", "9affffffff"],
  ["bytes after the item", "0000"],
  ["nine arrays deep", "81".repeat(9) + "00"],
];

for (const [what, hex] of REFUSED) {
  Deno.test(`canonical.decode refuses ${what}`, () => {
    assert.throws(() => decode(Uint8Array.fromHex(hex)), FormatError);
  });
}

Deno.test("canonical.decode reads eight levels, 2^53 - 1 and a text that begins with a BOM", () => {
  assert.doesNotThrow(() => decode(Uint8Array.fromHex("81".repeat(8) + "00")));
  assert.equal(
    decode(Uint8Array.fromHex("1b001fffffffffffff")),
    Number.MAX_SAFE_INTEGER,
  );
  assert.equal(decode(Uint8Array.fromHex("63efbbbf")), "\ufeff");
});

for (
  const [what, bad] of [["a float", 0.5], ["a negative number", -1], [
    "2^53",
    2 ** 53,
  ]] as const
) {
  Deno.test(`canonical.encode refuses ${what}`, () => {
    assert.throws(() => encode([bad]), FormatError);
  });
}

Deno.test("canonical.decode gives back what canonical.encode took, and cborg writes the same", () => {
  fc.assert(fc.property(value, (item) => {
    const bytes = encode(item);
    assert.deepEqual(decode(bytes), item);
    assert.deepEqual(
      bytes,
      new Uint8Array(cborgEncode(item, rfc8949EncodeOptions)),
    );
  }));
});

Deno.test(`canonical.decode accepts of ${MUTANTS} mutants only what encodes to the same bytes`, () => {
  const seeds = fc.sample(value, { numRuns: 400, seed: 20_260_101 }).map((
    item,
  ) => encode(item));
  const chance = generator(1);
  let accepted = 0;
  let stricter = 0;
  for (let count = 0; count < MUTANTS; count++) {
    const bytes = mutate(seeds[chance(seeds.length)]!, chance);
    const item = attempt(() => decode(bytes));
    const theirs = attempt(() =>
      cborgDecode(bytes, {
        strict: true,
        useMaps: true,
        allowIndefinite: false,
      })
    );
    if (item === undefined) {
      if (theirs !== undefined) stricter++;
      continue;
    }
    accepted++;
    assert.deepEqual(encode(item.found), bytes);
    assert.deepEqual(theirs?.found, item.found, bytes.toHex());
  }
  assert.ok(
    accepted > MUTANTS / 20,
    `only ${accepted} mutants were accepted: the test has lost its grip`,
  );
  assert.ok(
    stricter > MUTANTS / 100,
    `only ${stricter} mutants passed cborg and not us`,
  );
});

function mutate(
  bytes: Uint8Array,
  chance: (below: number) => number,
): Uint8Array {
  const mutant = [...bytes];
  for (let times = 1 + chance(2); times > 0; times--) {
    const at = chance(mutant.length + 1);
    const kind = chance(4);
    if (kind === 0) mutant[Math.min(at, mutant.length - 1)]! ^= 1 << chance(8);
    else if (kind === 1) mutant.splice(at, 1);
    else if (kind === 2) mutant.splice(at, 0, chance(256));
    else mutant.splice(at, 1, chance(256));
  }
  return Uint8Array.from(mutant);
}

function attempt<T>(read: () => T): { found: T } | undefined {
  try {
    return { found: read() };
  } catch {
    return undefined;
  }
}

/** xorshift32: the same mutants every time. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
