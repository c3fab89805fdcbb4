/**
 * The gate itself, run over a small project: its last line and its exit code tell the truth.
 *
 * @module
 */
import assert from "node:assert/strict";

const SCRIPTS = new URL("../../scripts/", import.meta.url);

const GOOD: Readonly<Record<string, string>> = {
  "deno.json": '{ "permissions": { "test": { "read": true } } }\n',
  "runtime/mod.ts":
    "/**\n * One.\n *\n * ```ts\n * if (ONE !== 1) throw new Error();\n * ```\n */\nexport const ONE = 1;\n",
  "chain/two.ts": "export const TWO = 2;\n",
  "tests/a_test.ts":
    'Deno.test("a", () => {});\nDeno.test.ignore("b (skipped: no screen)", () => {});\n',
};

Deno.test("gate: a project that holds passes, and says how many tests ran", async () => {
  const { code, last } = await gate(GOOD);
  assert.deepEqual({ code, last }, {
    code: 0,
    last: "2 passed, 0 failed, 1 skipped",
  });
});

Deno.test("gate: a check that fails is one failure, and the stages after it still run", async () => {
  const { code, last } = await gate({
    ...GOOD,
    "chain/two.ts": "export const TWO: string = 2;\n",
    "tests/b_test.ts": 'Deno.test("c", () => { throw new Error() })\n',
  });
  // Format, types, the examples beside the wrong type, and the test.
  assert.equal(code, 1);
  assert.match(last, /^\d passed, [3-5] failed, \d skipped$/);
});

/** Run the fast gate in a project of these files only. */
async function gate(
  files: Readonly<Record<string, string>>,
): Promise<{ code: number; last: string }> {
  const root = await Deno.makeTempDir();
  try {
    for (const folder of ["scripts", "runtime", "chain", "tests"]) {
      await Deno.mkdir(`${root}/${folder}`);
    }
    for (const name of ["test.ts", "counts.ts"]) {
      await Deno.copyFile(new URL(name, SCRIPTS), `${root}/scripts/${name}`);
    }
    for (const [path, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "scripts/test.ts", "--fast"],
      // Without CI there is no lock to be frozen in this project.
      clearEnv: true,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: Deno.env.get("HOME") ?? "",
      },
      cwd: root,
      stderr: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    return { code, last: lines.at(-1)! };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}
