/**
 * What must hold in the corners: a capture that cannot begin, a stop that a crash cuts in two, a chunk that
 * the disk lost after it was acknowledged.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { decodeLeaf } from "../../chain/leaf.ts";
import { Home, until } from "../support/lucid.ts";
import { startXvnc } from "../support/xvnc.ts";
import {
  chunksOf,
  complete,
  completed,
  holdToPromises,
  record,
  recorded,
  sessionOf,
} from "./recording.ts";

/** A strict session says that it failed within 2 s; a busy machine needs some more. */
const SAY_MS = 6_000;

Deno.test("a password file that is not there: a strict session fails and says so, and never begins later", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  await using screen = await startXvnc();
  const passwordPath = join(home.path, "password");
  const source = {
    kind: "vnc",
    socket_path: screen.path,
    password_path: passwordPath,
  };
  const id = await record(lucid, { source });
  const { failure } = await until("the session has failed", async () => {
    const session = await sessionOf(lucid, id);
    return session.failed && session;
  }, SAY_MS);
  assert.match(failure!, /^Cannot go on recording: .+/);
  await completed(lucid, id);
  const { length } = await chunksOf(lucid, id);

  await Deno.writeTextFile(passwordPath, "too late\n");
  const later = await record(lucid, { mode: "lenient" });
  await recorded(lucid, later, 2);
  assert.equal((await chunksOf(lucid, id)).length, length);
  await complete(lucid, later);
});

Deno.test("stopped, killed at once and started much later: the recording ends where it was stopped", async () => {
  await using home = await Home.make();
  const first = await home.start();
  const id = await record(first, { mode: "lenient" });
  await recorded(first, id, 2);
  await first.post(`/sessions/${id}/stop`);
  await first.kill();
  const stoppedAt = Date.now();
  await new Promise((resolve) => setTimeout(resolve, 2_000));

  const second = await home.start();
  await completed(second, id);
  const leaves = (await chunksOf(second, id))
    .map(({ leaf }) => decodeLeaf(Uint8Array.fromHex(leaf)));
  assert.ok(
    leaves.at(-1)!.endMs <= stoppedAt,
    "nothing is said of the time after the stop",
  );
  assert.ok(leaves.filter(({ kind }) => kind === "gap").length <= 1);
  await holdToPromises(second, id);
});

Deno.test("a chunk that the disk lost after it was acknowledged: its session goes on, ends, and names it", async () => {
  await using home = await Home.make();
  const first = await home.start({ WORKERS: "1" });
  const id = await record(first, { mode: "lenient" });
  const before = await recorded(first, id, 3);
  await first.kill();
  await breakLastRecord(join(home.data, "segments"), before.at(-1)!.leaf);

  const second = await home.start();
  const after = await recorded(second, id, before.length + 3);
  assert.deepEqual(after.slice(0, before.length), before);
  await second.post(`/sessions/${id}/stop`);
  const { failure } = await until("the session has failed", async () => {
    const session = await sessionOf(second, id);
    return session.failed && session;
  });
  assert.match(failure!, /^Chunk \d+ is lost: .+/);
  await second.delete(`/sessions/${id}`);
});

/** Flip one byte of the leaf as it lies in a segment file. */
async function breakLastRecord(folder: string, leaf: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    const at = Buffer.from(await Deno.readFile(path)).indexOf(
      Buffer.from(leaf, "hex"),
    );
    if (at < 0) continue;
    using file = await Deno.open(path, { write: true, read: true });
    await file.seek(at + 20, Deno.SeekMode.Start);
    await file.write(Uint8Array.of(0xff));
    return;
  }
  throw new Error("Cannot break a record: no segment has the leaf");
}
