import assert from "node:assert/strict";
import { join } from "node:path";
import type { GapLeaf, Leaf } from "../../chain/leaf.ts";
import { bytesOf, sealChunk, T0_MS, World } from "./world.ts";

const COMMAND = new URL("../../verify.ts", import.meta.url).pathname;
const PLAIN = new TextEncoder().encode("what was on the screen ".repeat(100));

/** A folder with everything that is handed over, and the command run in it without net, environment or more files. */
class Folder {
  readonly path = Deno.makeTempDirSync({ prefix: "lucid-verify-" });

  constructor() {
    const { leaf, sealed, chunkKey } = sealChunk(PLAIN);
    const gap: GapLeaf = {
      kind: "gap",
      index: 1,
      startMs: T0_MS + 2_000,
      endMs: T0_MS + 2_500,
      reason: "tap lost",
    };
    const leaves: Leaf[] = [leaf, gap];
    const world = new World();
    const anchor = world.final({ leaves });
    world.block([anchor]);
    this.write("trust.json", world.trust);
    this.write("proof.json", world.proof({ leaves, index: 0, anchor }));
    this.write("other_trust.json", new World("mallory").trust);
    this.write("chunk", sealed);
    const touched = sealed.slice();
    touched[7]! ^= 1;
    this.write("touched", touched);
    this.write("key", `${chunkKey.toHex()}\n`);
    this.write("other_key", `${bytesOf("x").toHex()}\n`);
    this.write("no_key", "xyz\n");
  }

  write(name: string, content: string | Uint8Array): void {
    const bytes = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    Deno.writeFileSync(join(this.path, name), bytes);
  }

  async run(
    args: readonly string[],
    permissions: readonly string[] = [],
  ): Promise<{ code: number; text: string }> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--cached-only",
        "--quiet",
        `--allow-read=${this.path}`,
        ...permissions,
        COMMAND,
        ...args,
      ],
      cwd: this.path,
    }).output();
    const decoder = new TextDecoder();
    assert.equal(decoder.decode(stderr), "");
    return { code, text: decoder.decode(stdout) };
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

Deno.test("verify command: each answer has its exit code and its sentence", async () => {
  using folder = new Folder();
  const table: [string, number, RegExp][] = [
    ["--trust trust.json proof.json", 0, /\nVALID\(single-operator\)\n/],
    [
      "--trust trust.json proof.json --chunk chunk",
      0,
      /Ciphertext only: says nothing about who made it/,
    ],
    [
      "--trust trust.json proof.json --chunk chunk --key key",
      0,
      /Decrypted 2300 bytes \(not written/,
    ],
    [
      "--trust trust.json proof.json --chunk touched",
      1,
      /FAIL +chunk .*\n\nINVALID\(chunk\)\n/,
    ],
    [
      "--trust trust.json proof.json --chunk chunk --key other_key",
      1,
      /INVALID\(key\)/,
    ],
    ["--trust other_trust.json proof.json", 1, /INVALID\(trust\)/],
    ["--trust trust.json chunk", 1, /INVALID\(proof\)/],
    ["proof.json", 2, /\nUNPINNED\n/],
    ["--help", 0, /Exit codes: 0 VALID/],
    ["", 3, /Cannot verify 0 proofs/],
    ["proof.json proof.json", 3, /Cannot verify 2 proofs/],
    ["--trust trust.json proof.json --key key", 3, /Cannot use a key alone/],
    [
      "--trust trust.json proof.json --chunk chunk --key no_key",
      3,
      /64 lower-case hex digits/,
    ],
    ["--trust missing.json proof.json", 3, /there is no such file/],
    ["--trust /etc/hostname proof.json", 3, /not given --allow-read/],
    ["--unknown proof.json", 3, /Cannot understand the command/],
  ];
  for (const [args, code, pattern] of table) {
    const said = await folder.run(args.split(" ").filter((arg) => arg !== ""));
    assert.equal(said.code, code, `${args}\n${said.text}`);
    assert.match(said.text, pattern);
    assert.doesNotMatch(said.text, /\n +at /);
  }
});

Deno.test("verify command: where writing is allowed, the plain piece lies beside the chunk", async () => {
  using folder = new Folder();
  const args = [
    "--trust",
    "trust.json",
    "proof.json",
    "--chunk",
    "chunk",
    "--key",
    "key",
  ];
  const said = await folder.run(args, [`--allow-write=${folder.path}`]);
  assert.match(said.text, /Wrote the plain piece, 2300 bytes, to chunk.plain/);
  assert.deepEqual(
    await Deno.readFile(join(folder.path, "chunk.plain")),
    PLAIN,
  );
  const again = await folder.run([...args, "--out", "piece"], [
    `--allow-write=${folder.path}`,
  ]);
  assert.match(again.text, /to piece/);
  assert.deepEqual(await Deno.readFile(join(folder.path, "piece")), PLAIN);
});
