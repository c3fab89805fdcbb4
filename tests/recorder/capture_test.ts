import assert from "node:assert/strict";
import { openVault } from "../../recorder/vault.ts";
import { startXvnc } from "../support/xvnc.ts";
import {
  captureOf,
  lastPicture,
  listeningLog,
  plainChunk,
  screenshot,
  SESSION,
  temporaryVault,
} from "./recordings.ts";

/** Scrolls for about two seconds, then stands still. */
const SCROLLING =
  "for n in $(seq 40); do echo line $n; ls -la /usr/lib | tail -5; sleep 0.05; done; sleep 1000";

function assertSeamless(
  leaves: readonly { index: number; startMs: number; endMs: number }[],
): void {
  for (const [n, leaf] of leaves.entries()) {
    assert.equal(leaf.index, n);
    assert.ok(leaf.startMs <= leaf.endMs);
    if (n > 0) assert.equal(leaf.startMs, leaves[n - 1]!.endMs);
  }
}

Deno.test("capture: each chunk replays by itself, and the last picture is the true screen", async () => {
  await using xvnc = await startXvnc();
  await using vault = await temporaryVault();
  xvnc.run("xterm", "-geometry", "70x20", "-e", "sh", "-c", SCROLLING);
  const { capture, leaves, untilLeaves } = await captureOf(xvnc, {
    vault,
    chunkMs: 700,
    fps: 10,
  });
  await untilLeaves(5);
  const truth = await screenshot(xvnc);
  const end = await capture.stop();
  assert.equal(end.failure, undefined);
  assert.deepEqual(await capture.done, end);
  assert.equal(end.leaves, leaves().length);
  assertSeamless(leaves());
  assert.ok(leaves().every(({ kind }) => kind === "chunk"));
  // From the last to the first: no chunk leans on an earlier one.
  let movingChunks = 0;
  for (let index = end.leaves - 1; index >= 0; index--) {
    const { rgba, moments } = await lastPicture(await plainChunk(vault, index));
    if (index === end.leaves - 1) assert.deepEqual(rgba, truth);
    if (moments > 3) movingChunks++;
  }
  assert.ok(movingChunks >= 2, "the scrolling is on record");
});

Deno.test("capture: a killed screen is a named gap, and recording goes on with the next one", async () => {
  await using vault = await temporaryVault();
  await using first = await startXvnc();
  const { capture, leaves, untilLeaves, log } = await captureOf(first, {
    vault,
    chunkMs: 400,
  });
  await untilLeaves(1);
  await first.kill();
  await Deno.remove(first.path).catch(() => {});
  await using _second = await startXvnc({ dir: first.dir });
  await untilLeaves(leaves().length + 3);
  const { leaves: count, failure } = await capture.stop();
  assert.equal(failure, undefined);
  assertSeamless(leaves());
  const gaps = leaves().filter((leaf) => leaf.kind === "gap");
  assert.ok(gaps.length >= 1);
  assert.ok(
    gaps.every(({ reason }) => reason === "the screen's connection was lost"),
  );
  assert.ok(
    log.phrases.includes("recording interrupted") &&
      log.phrases.includes("recording gap closed"),
  );
  for (const { index, kind } of leaves()) {
    if (kind === "chunk") await lastPicture(await plainChunk(vault, index));
  }
  assert.equal(count, leaves().length);
});

Deno.test("capture: strict ends two seconds after the screen was killed, and says why", async () => {
  await using vault = await temporaryVault();
  await using xvnc = await startXvnc();
  const { capture, leaves, untilLeaves } = await captureOf(xvnc, {
    vault,
    chunkMs: 300,
    strict: true,
  });
  await untilLeaves(1);
  await xvnc.kill();
  const { failure, endMs } = await capture.done;
  assert.equal(failure?.code, "recording/interrupted");
  assert.match(
    failure.message,
    /^Cannot go on recording: the screen's connection was lost for 2 s/,
  );
  const last = leaves().at(-1)!;
  assert.equal(last.kind, "gap");
  assert.equal(last.endMs, endMs);
  assertSeamless(leaves());
});

Deno.test("capture: a frozen screen is noticed by its silence", async () => {
  await using vault = await temporaryVault();
  await using xvnc = await startXvnc();
  const { capture, leaves } = await captureOf(xvnc, {
    vault,
    chunkMs: 60_000,
    strict: true,
  });
  xvnc.signal("SIGSTOP");
  const { failure } = await capture.done;
  assert.equal(failure?.code, "recording/interrupted");
  assert.match(failure.message, /did not answer|connection was lost/);
  assert.equal(leaves().at(-1)?.kind, "gap");
});

Deno.test("capture: a still screen proves once a second that it lives", async () => {
  await using vault = await temporaryVault();
  await using xvnc = await startXvnc();
  const { capture, untilLeaves } = await captureOf(xvnc, {
    vault,
    chunkMs: 3_500,
  });
  await untilLeaves(1);
  await capture.stop();
  const plain = await plainChunk(vault, 0);
  const { moments } = await lastPicture(plain);
  assert.ok(moments >= 3 && moments <= 5, `${moments} moments`);
  assert.ok(plain.length < 2_000, `${plain.length} bytes`);
});

Deno.test("capture: a restarted recorder reports what the session missed and names the time in between", async () => {
  await using xvnc = await startXvnc();
  const dir = await Deno.makeTempDir({ prefix: "lucid-vault-" });
  const open = () =>
    openVault({ dir, workers: 1, freeBytesFloor: 0, log: listeningLog() });
  const before = await open();
  const one = await captureOf(xvnc, { vault: before, chunkMs: 200 });
  await one.untilLeaves(3);
  const { leaves: count } = await one.capture.stop();
  await before.close();

  const after = await open();
  const two = await captureOf(xvnc, {
    vault: after,
    chunkMs: 200,
    notBeforeMs: 0,
    reported: 1,
  });
  await two.untilLeaves(count + 1);
  const end = await two.capture.stop();
  await two.capture.done;
  const all = [one.leaves()[0]!, ...two.leaves()];
  assertSeamless(all);
  const gap = all[count];
  assert.equal(gap?.kind === "gap" && gap.reason, "the recorder was restarted");
  assert.equal(end.leaves, all.length);
  assert.deepEqual(
    (await after.leaves(SESSION.sessionId)).map(({ index }) => index),
    all.map(({ index }) => index),
  );
  await after.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("capture: while the session cannot be reached, chunks go on to disk, and stopping does not wait for it", async () => {
  await using xvnc = await startXvnc();
  await using vault = await temporaryVault();
  const reachable = Promise.withResolvers<void>();
  const { promise: third, resolve: stored } = Promise.withResolvers<void>();
  let seals = 0;
  const counting = {
    ...bound(vault),
    seal: async (chunk: Parameters<typeof vault.seal>[0]) => {
      const leaf = await vault.seal(chunk);
      if (++seals === 3) stored();
      return leaf;
    },
  };
  const { capture } = await captureOf(xvnc, {
    vault: counting,
    chunkMs: 200,
    onLeaf: () => reachable.promise,
  });
  await third;
  const end = await capture.stop();
  assert.ok(end.leaves >= 3);
  assert.equal((await vault.leaves(SESSION.sessionId)).length, end.leaves);
  reachable.resolve();
  assert.deepEqual(await capture.done, end);
});

Deno.test("capture: a busy screen's chunks are closed before 10 MiB, without time lost between them", async () => {
  await using vault = await temporaryVault();
  await using server = await busyServer({
    pictures: [200_000],
    updateBytes: 3 * 1024 * 1024,
  });
  const { capture, leaves, untilLeaves } = await captureOf(server, {
    vault,
    password: () => undefined,
    fps: 50,
  });
  await untilLeaves(2);
  await capture.stop();
  assertSeamless(leaves());
  for (const leaf of leaves().slice(0, 2)) {
    assert.ok(leaf.kind === "chunk");
    assert.ok(
      leaf.plainBytes > 9 * 1024 * 1024 && leaf.plainBytes <= 10 * 1024 * 1024,
      `${leaf.plainBytes} bytes`,
    );
  }
});

Deno.test("capture: begun long after its time, before its screen is there: one gap says so", async () => {
  await using xvnc = await startXvnc();
  await using vault = await temporaryVault();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/screen`;
  const { capture, leaves, untilLeaves } = await captureOf({ path }, {
    vault,
    notBeforeMs: Date.now() - 120_000,
    chunkMs: 60_000,
  });
  // Some attempts find nothing; the time behind them is longer than a chunk all the while.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await Deno.symlink(xvnc.path, path);
  await untilLeaves(1);
  await capture.stop();
  await capture.done;
  assertSeamless(leaves());
  assert.deepEqual(leaves().map(({ kind }) => kind), ["gap", "chunk"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("capture: a picture that fits into no chunk ends the recording with advice", async () => {
  await using vault = await temporaryVault();
  await using server = await busyServer({
    pictures: [6 * 1024 * 1024, 6 * 1024 * 1024],
    updateBytes: 1,
  });
  const { capture } = await captureOf(server, {
    vault,
    password: () => undefined,
  });
  const { failure } = await capture.done;
  assert.equal(failure?.code, "recording/picture-too-large");
  assert.match(
    failure.message,
    /^Cannot record a screen of 8×8: .* Use a smaller screen$/,
  );
});

interface Busy {
  readonly pictures: readonly number[];
  readonly updateBytes: number;
}

/** A server whose pictures and updates have the sizes a test needs; what is in them is noise. */
async function busyServer(
  busy: Busy,
): Promise<AsyncDisposable & { readonly path: string }> {
  const dir = await Deno.makeTempDir({ prefix: "lucid-busy-" });
  const path = `${dir}/rfb.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) {
      // It hangs up when it likes; that is what ends the serving.
      serving.push(
        serve(connection, busy).catch(() => {}).finally(() =>
          connection.close()
        ),
      );
    }
  })();
  return {
    path,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(serving);
      await Deno.remove(dir, { recursive: true });
    },
  };
}

async function serve(
  connection: Deno.Conn,
  { pictures, updateBytes }: Busy,
): Promise<void> {
  const say = async (bytes: Uint8Array) => {
    for (let sent = 0; sent < bytes.length;) {
      sent += await connection.write(bytes.subarray(sent));
    }
  };
  const hear = async (count: number) => {
    for (let heard = 0; heard < count;) {
      const read = await connection.read(new Uint8Array(count - heard));
      if (read === null) throw new Error("Cannot go on: the client hung up");
      heard += read;
    }
  };
  await say(new TextEncoder().encode("RFB 003.008\n"));
  await hear(12);
  await say(Uint8Array.of(1, 1));
  await hear(1);
  await say(new Uint8Array(4));
  await hear(1);
  await say(Uint8Array.from([0, 8, 0, 8, ...new Uint8Array(20)]));
  await hear(32);
  for (const count of pictures) {
    await hear(10);
    await say(zrleUpdate(count, 8 / pictures.length));
  }
  while (true) {
    await hear(10);
    await say(zrleUpdate(updateBytes, 8));
  }
}

function zrleUpdate(count: number, rows: number): Uint8Array {
  const bytes = new Uint8Array(20 + count);
  bytes.set([0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, rows, 0, 0, 0, 16]);
  new DataView(bytes.buffer).setUint32(16, count);
  return bytes;
}

/** A vault's methods, to be passed on or replaced. */
function bound(vault: Awaited<ReturnType<typeof temporaryVault>>) {
  return {
    seal: vault.seal.bind(vault),
    gap: vault.gap.bind(vault),
    leaves: vault.leaves.bind(vault),
    read: vault.read.bind(vault),
    erase: vault.erase.bind(vault),
    usage: vault.usage.bind(vault),
    freeBytes: vault.freeBytes.bind(vault),
    requireRoom: vault.requireRoom.bind(vault),
    close: vault.close.bind(vault),
  };
}
