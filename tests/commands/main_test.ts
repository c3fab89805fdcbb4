/**
 * The `lucid` command where something is wrong: whoever called reads one sentence, and never a stack.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Variables, without their `LUCID_`. */
type Settings = Readonly<Record<string, string>>;

/** What it said on both streams, line by line, and how it ended. */
interface Ending {
  readonly code: number;
  readonly lines: readonly string[];
}

Deno.test("lucid: wrong use is one sentence that says where to look", async () => {
  const cases: [words: string[], sentence: string][] = [
    [["up", "--foo"], "Unknown option '--foo'; see lucid up --help"],
    [["up", "now"], "Unexpected argument 'now'; see lucid up --help"],
    [["record", "--nope"], "Unknown option '--nope'; see lucid record --help"],
    [["doctor", "-x"], "Unknown option '-x'; see lucid doctor --help"],
    [["trace", "--all"], "Unknown option '--all'; see lucid trace --help"],
    [["key", "--out=x"], "Unknown option '--out'; see lucid key --help"],
  ];
  for (const [words, because] of cases) {
    assert.deepEqual(await lucid(words), {
      code: 1,
      lines: [`Cannot run lucid ${words[0]}: ${because}`],
    });
  }
});

Deno.test("lucid: a stack is shown in the log alone, and there at debug", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "keys", "master.key"), { recursive: true });
    const words = ["key", "export", join(folder, "copy")];
    const sentence = /^Cannot run lucid key: Is a directory .+master\.key'$/;

    const { code, lines } = await lucid(words, { DATA: folder });
    assert.equal(code, 1);
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, sentence);

    const told = await lucid(words, { DATA: folder, LOG_LEVEL: "debug" });
    assert.equal(told.lines.length, 2);
    const { level, error } = JSON.parse(told.lines[0]!);
    assert.equal(level, "debug");
    assert.match(error.stack, /\n +at .+key\.ts/);
    assert.match(told.lines[1]!, sentence);
  }));

Deno.test("lucid: what fails while nobody waits for it ends the command with a sentence", () =>
  withFolder(async (folder) => {
    const preload = join(folder, "preload.ts");
    const failures = [
      'Promise.reject(new Error("it is late"))',
      'setTimeout(() => { throw new Error("it is late") })',
    ];
    for (const failure of failures) {
      // `trace` listens for signals once it runs, and then waits for ever.
      await Deno.writeTextFile(
        preload,
        `Deno.addSignalListener = () => void ${failure};`,
      );
      const settings = { NATS_URL: "nats://127.0.0.1:1" };
      assert.deepEqual(await lucid(["trace"], settings, { preload }), {
        code: 1,
        lines: ["Cannot run lucid trace: it is late"],
      });
    }
  }));

Deno.test("doctor: changes nothing where there is no data folder yet", () =>
  withFolder(async (folder) => {
    const data = join(folder, "deep", "data");
    const { lines } = await lucid(["doctor"], { DATA: data, PORT: "0" });
    assert.ok(lines.includes(
      `  ok    data folder: ${data} will be made in ${folder}`,
    ));
    assert.ok(lines.includes("  ok    keys: made at the first start"));
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);

    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    const refused = await lucid(["doctor"], { DATA: join(file, "data") });
    assert.equal(refused.code, 1);
    assert.match(
      refused.lines.join("\n"),
      /LACKS data folder: .+set LUCID_DATA/,
    );
  }));

Deno.test("doctor: names keys that others can use", () =>
  withFolder(async (folder) => {
    const key = join(folder, "keys", "master.key");
    await Deno.mkdir(join(folder, "keys"));
    await Deno.writeTextFile(key, "", { mode: 0o644 });
    await Deno.chmod(key, 0o644);
    const settings = { DATA: folder, PORT: "0" };
    const { code, lines } = await lucid(["doctor"], settings);
    assert.equal(code, 1);
    assert.ok(
      lines.includes(`  LACKS keys: others can use them; chmod 600 ${key}`),
    );
    await Deno.chmod(key, 0o600);
    const mended = await lucid(["doctor"], settings);
    assert.ok(mended.lines.includes(
      `  ok    keys: ${join(folder, "keys")}, for this user alone`,
    ));
  }));

Deno.test("doctor: a Lucid that runs is no lack, nor is its port; another program's port is", () =>
  withFolder(async (folder) => {
    using lock = await Deno.open(join(folder, "lock"), {
      create: true,
      write: true,
    });
    await lock.lock(true);
    await Deno.writeTextFile(join(folder, "lucid.pid"), "4711\n");
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const PORT = String(taken.addr.port);
    const settings = { DATA: folder, PORT };

    const stranger = await lucid(["doctor"], settings);
    assert.equal(stranger.code, 1);
    assert.match(
      stranger.lines.join("\n"),
      /LACKS address: .+; set LUCID_HOST/,
    );

    const address = `http://127.0.0.1:${PORT}\n`;
    await Deno.writeTextFile(join(folder, "lucid.url"), address);
    const { lines } = await lucid(["doctor"], settings);
    for (
      const line of [
        `  ok    data folder: ${folder}, and a Lucid (process 4711) runs on it`,
        `  ok    address: 127.0.0.1:${PORT} is where that Lucid listens`,
      ]
    ) assert.ok(lines.includes(line), lines.join("\n"));
  }));

async function lucid(
  words: readonly string[],
  settings: Settings = {},
  { preload }: { readonly preload?: string } = {},
): Promise<Ending> {
  const ahead = preload === undefined ? [] : ["--preload", preload];
  const output = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "-P=lucid", "--no-prompt", ...ahead],
      ...["main.ts", ...words],
    ],
    cwd: ROOT,
    env: Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`LUCID_${name}`, value]),
    ),
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const said = decoder.decode(output.stdout) + decoder.decode(output.stderr);
  return { code: output.code, lines: said.trimEnd().split("\n") };
}

/** A folder that is gone after the test. */
async function withFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
