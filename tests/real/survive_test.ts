/**
 * What a recording lives through while Lucid itself lives on, and across an orderly end: parts that are
 * killed under it, screens that die, a disk that takes no more.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Home, posting, until } from "../support/lucid.ts";
import { startXvnc, VIEW_PASSWORD, type Xvnc } from "../support/xvnc.ts";
import {
  chunksOf,
  complete,
  completed,
  holdToPromises,
  record,
  recorded,
  sessionOf,
  type SessionView,
} from "./recording.ts";

/** What a person accepts between asking Lucid to stop and its end. */
const STOP_MS_MAX = 3_000;
/** A strict session says within 2 s that it failed; a busy machine gets another one to show it. */
const STRICT_MS_MAX = 3_000;

Deno.test("nats-server killed in mid-recording: nothing is lost, and the bus comes back", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  const id = await record(lucid);
  const before = await recorded(lucid, id, 1);
  const first = await home.process("nats-server");
  Deno.kill(first.pid, "SIGKILL");
  const { because } = await home.logged("nats-server lost");
  assert.equal(because, "nats-server was ended by SIGKILL");
  await recorded(lucid, id, before.length + 2);
  await until("the bus is connected again", async () => {
    const lines = await home.log();
    return lines.findLastIndex(({ msg }) => msg.startsWith("bus connected")) >
      lines.findIndex(({ msg }) => msg === "nats-server lost");
  });
  const { gap_count, failed } = await complete(lucid, id);
  assert.deepEqual({ gap_count, failed }, { gap_count: 0, failed: false });
  await holdToPromises(lucid, id);
});

Deno.test("Xvnc killed in mid-recording: the desktop comes back, and a strict session goes on behind a gap", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  const id = await record(lucid);
  const { length } = await recorded(lucid, id, 1);
  const { pid } = await home.process("Xvnc");
  Deno.kill(pid, "SIGKILL");
  const { because } = await home.logged("desktop lost");
  assert.match(String(because), /^Xvnc was ended by SIGKILL/);
  const chunks = await recorded(lucid, id, length + 4);
  assert.deepEqual(gapReasons(chunks), ["the screen's connection was lost"]);
  const { failed } = await complete(lucid, id);
  assert.ok(!failed);
  await holdToPromises(lucid, id);
});

Deno.test("a screen that dies: a strict session fails and says so, a lenient one goes on when it is back", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  const screen = await startXvnc();
  const again: Xvnc[] = [];
  try {
    const source = await sourceOf(screen, home);
    const strict = await record(lucid, { source });
    const lenient = await record(lucid, { source, mode: "lenient" });
    await recorded(lucid, strict, 1);
    await recorded(lucid, lenient, 1);

    const begun = performance.now();
    await screen.kill();
    await until("the strict session has failed", async () => {
      const { failed } = await sessionOf(lucid, strict);
      return failed;
    });
    const tookMs = performance.now() - begun;
    assert.ok(tookMs < STRICT_MS_MAX, `it took ${tookMs} ms`);
    const { failure, chunk_count } = await completed(lucid, strict);
    assert.equal(
      failure,
      "Cannot go on recording: the screen's connection was lost for 2 s, and this session must not go on unrecorded",
    );
    assert.ok(chunk_count > 0, "what it has is anchored");
    await holdToPromises(lucid, strict);

    assert.equal((await sessionOf(lucid, lenient)).status, "recording");
    const gone = await chunksOf(lucid, lenient);
    again.push(await startXvnc({ dir: screen.dir }));
    await until("it is recorded again", async () => {
      const chunks = await chunksOf(lucid, lenient);
      return chunks.length > gone.length && chunks.at(-1)!.status === "stored";
    });
    const { failed, gap_count } = await complete(lucid, lenient);
    assert.ok(!failed && gap_count > 0);
    await holdToPromises(lucid, lenient);
  } finally {
    for (const one of again) await one.kill();
    await screen[Symbol.asyncDispose]();
  }
});

Deno.test("the recorder's connection cut: a strict session connects again and goes on behind a gap", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  await using screen = await startXvnc();
  await using wire = new Wire(screen.path, join(home.path, "wire"));
  const source = { ...await sourceOf(screen, home), socket_path: wire.path };
  const id = await record(lucid, { source });
  const { length } = await recorded(lucid, id, 1);
  wire.cut();
  const chunks = await recorded(lucid, id, length + 4);
  assert.deepEqual(gapReasons(chunks), ["the screen's connection was lost"]);
  const { failed } = await complete(lucid, id);
  assert.ok(!failed);
  await holdToPromises(lucid, id);
});

Deno.test("Lucid killed in mid-recording and the screen gone for good: the session can be stopped", async () => {
  await using home = await Home.make();
  const first = await home.start();
  const screen = await startXvnc();
  const source = await sourceOf(screen, home);
  const id = await record(first, { source, mode: "lenient" });
  const before = await recorded(first, id, 2);
  await first.kill();
  await screen[Symbol.asyncDispose]();

  const second = await home.start();
  await second.post(`/sessions/${id}/stop`);
  const { failed, gap_count } = await completed(second, id);
  assert.ok(!failed && gap_count > 0);
  const after = await chunksOf(second, id);
  assert.deepEqual(after.slice(0, before.length), before);
  await holdToPromises(second, id);
});

Deno.test("Lucid stopped in mid-recording: it ends at once, and goes on when it is started again", async () => {
  await using home = await Home.make();
  const first = await home.start();
  const recording = await record(first);
  const { session_id: waiting } = await first.post<SessionView>("/sessions", {
    source: { kind: "desktop", width: 320, height: 240 },
    chunk_ms: 1_000,
  });
  const before = await recorded(first, recording, 2);
  const tookMs = await first.stop();
  assert.ok(tookMs < STOP_MS_MAX, `it took ${tookMs} ms`);
  await home.deserted();

  const second = await home.start();
  const after = await recorded(second, recording, before.length + 3);
  assert.deepEqual(after.slice(0, before.length), before);
  assert.deepEqual(gapReasons(after), ["the recorder was restarted"]);
  await second.post(`/sessions/${waiting}/start`);
  await recorded(second, waiting, 1);
  for (const id of [recording, waiting]) {
    const { failed, failure } = await complete(second, id);
    assert.ok(!failed, failure);
    await holdToPromises(second, id);
  }
  await second.stop();
});

Deno.test("less disk left than the floor: no session begins, and the answer says what to do", async () => {
  await using home = await Home.make();
  const lucid = await home.start({ FREE_MIB_MIN: "999999999" });
  const response = await lucid.call(
    "/sessions",
    posting({
      source: { kind: "desktop" },
    }),
  );
  const { code, detail } = await response.json();
  assert.deepEqual([response.status, code], [429, "LUCID_ERR_4502"]);
  assert.match(
    detail,
    /^Cannot begin a session on node \w+: \d+ MiB are free and \d+ MiB must stay so; delete sessions or add disk$/,
  );
});

Deno.test("a disk that takes no chunk: a strict session fails and says why, a lenient one goes on when it does", async () => {
  await using home = await Home.make();
  const full = home.launch({}, DISK_OF_32_MIB);
  await full.up;
  const strict = await record(full);
  const lenient = await record(full, { mode: "lenient" });
  const { failure, chunk_count } = await completed(full, strict);
  assert.match(failure!, /^Cannot store a chunk: .*File too large/);
  assert.equal(chunk_count, 0);
  assert.equal((await sessionOf(full, lenient)).status, "recording");
  await full.kill();

  const roomy = await home.start();
  const chunks = await recorded(roomy, lenient, 2);
  assert.deepEqual(gapReasons(chunks), ["the recorder began late"]);
  const { failed } = await complete(roomy, lenient);
  assert.ok(!failed);
  await holdToPromises(roomy, lenient);
});

/** A segment file has 64 MiB; all else fits. The signal would end the process before the error is seen. */
const DISK_OF_32_MIB = [
  ...["env", "--ignore-signal=XFSZ"],
  ...["prlimit", `--fsize=${32 * 2 ** 20}`],
];

function gapReasons(
  chunks: Awaited<ReturnType<typeof chunksOf>>,
): (string | undefined)[] {
  return chunks.filter(({ status }) => status === "gap").map(({ reason }) =>
    reason
  );
}

async function sourceOf(screen: Xvnc, home: Home) {
  const passwordPath = join(home.path, "view");
  await Deno.writeTextFile(passwordPath, `${VIEW_PASSWORD}\n`);
  return {
    kind: "vnc",
    socket_path: screen.path,
    password_path: passwordPath,
  };
}

/** A wire to a screen's socket, which can be cut. */
class Wire implements AsyncDisposable {
  readonly path: string;
  readonly #listener: Deno.Listener;
  readonly #serving: Promise<void>;
  readonly #ends = new Set<Deno.Conn>();

  constructor(from: string, path: string) {
    this.path = path;
    this.#listener = Deno.listen({ transport: "unix", path });
    this.#serving = this.#serve(from);
  }

  /** Whoever is connected is so no longer; they may connect again. */
  cut(): void {
    for (const end of this.#ends) end.close();
    this.#ends.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#serving;
  }

  async #serve(from: string): Promise<void> {
    const flows: Promise<void>[] = [];
    for await (const near of this.#listener) {
      const far = await Deno.connect({ transport: "unix", path: from });
      flows.push(this.#flow(near, far), this.#flow(far, near));
    }
    await Promise.all(flows);
  }

  /** From one end to the other, until one of them is closed. */
  async #flow(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    this.#ends.add(from);
    await from.readable.pipeTo(to.writable).catch(() => {});
    this.#ends.delete(from);
  }
}
