import assert from "node:assert/strict";
import type { Kind, Protocol } from "@lucid/runtime";
import { ERRORS } from "../../gateway/errors.ts";
import { errorPage } from "../../scripts/error_doc.ts";

const ROOT = new URL("../../", import.meta.url);

async function protocols(): Promise<Protocol[]> {
  const found: Protocol[] = [];
  for await (const folder of Deno.readDir(new URL("actors", ROOT))) {
    if (!folder.isDirectory) continue;
    const module: Record<string, unknown> = await import(
      `../../actors/${folder.name}/protocol.ts`
    );
    found.push(
      ...Object.values(module).filter((value): value is Protocol =>
        typeof value === "object" && value !== null && "commands" in value
      ),
    );
  }
  return found;
}

Deno.test("every refusal of every protocol has a number", async () => {
  const all = await protocols();
  assert(all.length >= 5);
  let refusals = 0;
  for (const { name, commands } of all) {
    for (const [command, spec] of Object.entries(commands)) {
      for (const [code, kind] of Object.entries(spec.refusals)) {
        refusals++;
        assert.equal(
          ERRORS[code]?.kind satisfies Kind | undefined,
          kind,
          `${name}.${command} refuses with ${code}`,
        );
      }
    }
  }
  assert(refusals > 30);
});

/** Codes that the sources beneath these paths name. */
async function codesIn(path: string, pattern: RegExp): Promise<string[]> {
  const url = new URL(path, ROOT);
  const { isDirectory } = await Deno.stat(url);
  if (!isDirectory) {
    const source = await Deno.readTextFile(url);
    return [...source.matchAll(pattern)].map(([, code]) => code!);
  }
  const found: string[] = [];
  for await (const { name } of Deno.readDir(url)) {
    found.push(...await codesIn(`${path}/${name}`, pattern));
  }
  return found;
}

Deno.test("every code that a port may throw has a number", async () => {
  const named = [
    ...await codesIn(
      "gateway",
      /"((?!application|video|text)[a-z]+\/[a-z-]+)",$/gm,
    ),
    ...await codesIn("gateway/ports.ts", /`([a-z]+\/[a-z-]+)`/g),
    ...await codesIn("machine/evidence.ts", /"(evidence\/[a-z-]+)"/g),
    ...await codesIn("recorder/vault.ts", /"(recording\/[a-z-]+)"/g),
    ...await codesIn("runtime", /"((?:actor|store|request)\/[a-z-]+)"/g),
  ];
  for (const one of ["evidence/erased", "recording/damaged", "actor/busy"]) {
    assert(named.includes(one), one);
  }
  assert.deepEqual(
    new Set(named.filter((code) => !(code in ERRORS))),
    // A host's own operators ask for letters, and a server says this before it serves anybody.
    new Set([
      "actor/no-such-letter",
      "gateway/port-taken",
      "gateway/address-unusable",
      "gateway/port-denied",
    ]),
  );
});

Deno.test("no two codes share a number", () => {
  const numbers = Object.values(ERRORS).map(({ number }) => number);
  assert.equal(new Set(numbers).size, numbers.length);
  assert(numbers.every((number) => number > 1_000 && number < 10_000));
});

Deno.test("docs/errors.md is what scripts/error_doc.ts writes", async () => {
  const page = await Deno.readTextFile(new URL("docs/errors.md", ROOT));
  assert.equal(page, errorPage());
});
