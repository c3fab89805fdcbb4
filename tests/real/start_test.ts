/**
 * How Lucid starts where something is wrong: it goes on with a line in the log, or refuses with one
 * sentence that says what to do. Nobody ever sees a stack trace.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startOf } from "../../machine/children.ts";
import { type Ending, Home, type Settings, until } from "../support/lucid.ts";
import {
  blocksOf,
  complete,
  holdToPromises,
  record,
  recorded,
} from "./recording.ts";

Deno.test("a second lucid up on the same folder is refused, and the first one goes on", async () => {
  await using home = await Home.make();
  const first = await home.start();
  assertSentence(
    await home.refused({}),
    `Cannot open data folder ${home.data}: another Lucid (process ${first.pid}) uses it; stop it first, or set LUCID_DATA to another folder`,
  );
  await first.get("/sessions");
});

Deno.test("a taken port is named, and nothing is left running", async () => {
  await using home = await Home.make();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  assertSentence(
    await home.refused({ PORT: String(port) }),
    new RegExp(`^Cannot .*127\\.0\\.0\\.1:${port}.*: .+`),
  );
  await home.deserted();
});

Deno.test("a data folder that cannot be used is named, with what to do", async () => {
  await using home = await Home.make();
  const file = join(home.path, "file");
  await Deno.writeTextFile(file, "");
  for (const DATA of [file, join(file, "data"), "/proc/lucid"]) {
    assertSentence(
      await home.refused({ DATA }),
      new RegExp(
        `^Cannot open data folder ${DATA}: .+; make it readable and writable for this user, or set LUCID_DATA to another folder$`,
      ),
    );
  }
});

const isRoot = Deno.uid() === 0;
Deno.test({
  name: "a full disk is named as that" +
    (isRoot ? "" : " (skipped: this user is not root)"),
  ignore: !isRoot,
  async fn() {
    await using home = await Home.make();
    await Deno.mkdir(home.data);
    // A disk of its own, seen by this process alone.
    const fill = 'mount -t tmpfs -o size=64k tmpfs "$0"; ' +
      'cat /dev/zero > "$0/ballast" 2> /dev/null; exec "$@"';
    const before = ["unshare", "--mount", "sh", "-c", fill, home.data];
    const { code } = await home.launch({}, before).ended;
    const stderr = await Deno.readTextFile(home.logPath);
    assertSentence(
      { code, stdout: "", stderr },
      /^Cannot open data folder .+: No space left on device.*; free some room there, or set LUCID_DATA to another folder$/,
    );
  },
});

Deno.test("wrong configuration is refused, naming each variable and what is wrong with it", async () => {
  await using home = await Home.make();
  const cases: [Settings, RegExp][] = [
    [{ PORT: "abc" }, /LUCID_PORT: It must be a whole number$/],
    [{ PORT: "70000" }, /LUCID_PORT: .+65535/],
    [{ SLOT_MS: "-1" }, /LUCID_SLOT_MS: It must be a whole number$/],
    [
      { WORKERS: "0", NATS_URL: "http://x" },
      /LUCID_NATS_URL: .+; LUCID_WORKERS: .+/,
    ],
    [
      { NATS_URL: "natsfoo://x", FREE_MIB_MIN: "9".repeat(30) },
      /LUCID_NATS_URL: .+; LUCID_FREE_MIB_MIN: .+/,
    ],
    [{ ALLOWED_HOSTS: "a b" }, /LUCID_ALLOWED_HOSTS.*: "a b" is not a host/],
  ];
  for (const [settings, sentence] of cases) {
    const ending = await home.refused(settings);
    assertSentence(ending, /^Cannot read the configuration: /);
    assertSentence(ending, sentence);
  }
});

Deno.test("a host that is not there is refused, and nothing is left running", async () => {
  await using home = await Home.make();
  const ending = await home.refused({ HOST: "no.such.host.invalid" });
  assertSentence(ending, /^Cannot .+: .+/);
  await home.deserted();
});

Deno.test("a file of its own that Lucid cannot read is named", async () => {
  await using home = await Home.make();
  await (await home.start()).stop();
  const node = join(home.data, "node.json");
  const written = await Deno.readTextFile(node);
  for (const text of ["{}", "", '{"node_id":"me"}']) {
    await Deno.writeTextFile(node, text);
    assertSentence(
      await home.refused({}),
      `Cannot read ${node}: it does not hold this node's id; restore it from a backup`,
    );
  }
  await Deno.writeTextFile(node, written);
  for (const name of ["chain/wal", "keys/node.key", "keys/master.key"]) {
    const path = join(home.data, name);
    const kept = `${path}.kept`;
    await Deno.rename(path, kept).catch(ignoreAbsent);
    await Deno.mkdir(path);
    assertSentence(await home.refused({}), new RegExp(`^Cannot .+: .*${path}`));
    await Deno.remove(path);
    await Deno.rename(kept, path).catch(ignoreAbsent);
  }
});

Deno.test("while Lucid is up its addresses stand in files, and nobody else can read any of its files", async () => {
  await using home = await Home.make();
  const address = (name: string) => Deno.readTextFile(join(home.data, name));
  const lucid = await home.start({ HOST: "0.0.0.0" });
  const { port } = new URL(lucid.address);
  assert.equal(await address("lucid.url"), `http://127.0.0.1:${port}\n`);
  const named = await fetch(`http://0.0.0.0:${port}/health`);
  assert.equal(named.status, 200, await named.text());
  for await (const { path, mode } of everything(home.data)) {
    assert.equal(mode & 0o077, 0, path);
  }
  await lucid.stop();
  for (const name of ["lucid.url", "nats.url", "lucid.pid"]) {
    await assert.rejects(address(name), Deno.errors.NotFound, name);
  }

  // One that was killed left them.
  await Deno.writeTextFile(join(home.data, "nats.url"), "nats://old");
  const second = await home.start({ NATS_URL: "nats://127.0.0.1:1" });
  await assert.rejects(address("nats.url"), Deno.errors.NotFound);
  await second.stop();
});

Deno.test("a start that hangs is ended by a signal, and leaves nothing", async () => {
  await using home = await Home.make();
  const preload = join(home.path, "hang.ts");
  await Deno.writeTextFile(
    preload,
    "crypto.subtle.importKey = () => new Promise(() => {});",
  );
  const preloading = 'shift; exec "$0" run --preload "$PRELOAD" "$@"';
  const lucid = home.launch({}, [
    ...["env", `PRELOAD=${preload}`, "sh", "-c", preloading],
  ]);
  await until(
    "it has begun",
    () => Deno.readTextFile(join(home.data, "lucid.pid")).catch(() => false),
  );
  await lucid.stop();
  await home.deserted();
  await (await home.start()).stop();
});

Deno.test("a second signal, later than the first, ends Lucid at once", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  // It takes the better part of a second to give up on a child that does not listen.
  const { pid } = await home.process("nats-server");
  Deno.kill(pid, "SIGSTOP");
  let signal: Deno.Signal | null = null;
  const ended = lucid.ended.then((status) => {
    signal = status.signal;
  });
  const again = setInterval(() => {
    try {
      Deno.kill(lucid.pid, "SIGTERM");
    } catch { /* It has ended. */ }
  }, 50);
  await ended;
  clearInterval(again);
  assert.equal(signal, "SIGTERM");
});

Deno.test("torn files: Lucid starts, says what it cut off, and every recording is there", async () => {
  await using home = await Home.make();
  const first = await home.start();
  const old = await record(first);
  await recorded(first, old, 2);
  await complete(first, old);
  const blocks = await blocksOf(first);
  await first.stop();

  const at = (...names: string[]): string => join(home.data, ...names);
  const { size } = await Deno.stat(at("chain", "log"));
  await Deno.truncate(at("chain", "log"), size - 10);
  const resumed = await home.start();
  await home.logged("block resumed");
  assert.deepEqual(await blocksOf(resumed), blocks, "the same block again");
  await resumed.stop();

  await append(at("chain", "log"), garbage(100));
  await Deno.truncate(at("chain", "wal"), 20);
  await scribble(at("segments", "00000000.seg"), garbage(500));
  for (const folder of ["captures", "children", "desktops"]) {
    await Deno.writeTextFile(at(folder, "half.new"), "");
  }
  const lines = (await home.log()).length;

  const second = await home.start();
  for (
    const phrase of [
      "chain log torn",
      "chain wal not sound",
      "segment tail dropped",
    ]
  ) await home.logged(phrase, lines);
  await holdToPromises(second, old);
  const fresh = await record(second);
  await recorded(second, fresh, 2);
  await complete(second, fresh);
  await holdToPromises(second, fresh);
  await second.stop();

  const third = await home.start();
  await holdToPromises(third, old);
  await holdToPromises(third, fresh);
});

Deno.test("a child that outlived its Lucid is ended by the next one", async () => {
  await using home = await Home.make();
  await (await home.start()).stop();
  const child = new Deno.Command("sleep", { args: ["600"] }).spawn();
  try {
    const { pid } = child;
    const record = { pid, started: startOf(pid), program: "sleep" };
    await Deno.writeTextFile(
      join(home.data, "children", "left"),
      JSON.stringify(record),
    );
    await home.start();
    assert.equal((await home.logged("leftover child ended")).pid, pid);
    assert.equal((await child.status).signal, "SIGKILL");
  } finally {
    try {
      child.kill("SIGKILL");
    } catch { /* It has ended, as it should. */ }
  }
});

Deno.test("a chain log damaged in its middle is refused, with what to do", async () => {
  await using home = await Home.make();
  const lucid = await home.start({ EMPTY_BLOCK_EVERY_SLOTS: "1" });
  await until("there are some blocks", async () => {
    const { height } = await lucid.get<{ height: number }>("/chain/info");
    return height >= 4;
  });
  await lucid.stop();
  const path = join(home.data, "chain", "log");
  const bytes = await Deno.readFile(path);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await Deno.writeFile(path, bytes);
  assertSentence(
    await home.refused({}),
    /^Cannot open the chain: .+log is damaged at byte \d+.*; stop here, keep the file, and put back a copy/,
  );
  assert.deepEqual(await Deno.readFile(path), bytes, "the file is kept");
});

/** It ended with code 1 and one sentence behind its log, and nobody saw a stack. */
function assertSentence(
  { code, stdout, stderr }: Ending,
  sentence: string | RegExp,
): void {
  assert.equal(stdout, "");
  const lines = stderr.trimEnd().split("\n");
  const last = lines.pop();
  for (const line of lines) JSON.parse(line);
  if (typeof sentence === "string") assert.equal(last, sentence);
  else assert.match(last!, sentence);
  assert.equal(code, 1);
}

/** All that lies in a folder, but for sockets, which nobody reaches in a folder that is closed. */
async function* everything(
  folder: string,
): AsyncGenerator<{ readonly path: string; readonly mode: number }> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    yield { path, mode: (await Deno.stat(path)).mode! };
    if (isDirectory) yield* everything(path);
  }
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

function garbage(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

async function append(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  await Deno.writeFile(path, bytes, { append: true });
}

/** Bytes behind the last that is not zero: files of fixed length end so. */
async function scribble(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const end = (await Deno.readFile(path)).findLastIndex((byte) => byte !== 0);
  using file = await Deno.open(path, { write: true });
  await file.seek(end + 1, Deno.SeekMode.Start);
  await file.write(bytes);
}
