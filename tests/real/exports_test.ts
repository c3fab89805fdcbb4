/**
 * A film shows in the clear what lies on disk encrypted: no crash may leave one.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Home } from "../support/lucid.ts";
import { complete, record, recorded } from "./recording.ts";

Deno.test("Lucid killed while it makes a film: the film is never finished, and the next start removes it", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  const id = await record(lucid);
  await recorded(lucid, id, 2);
  await complete(lucid, id);
  const film = lucid.bytes(`/sessions/${id}/recording`).catch(() => undefined);
  await home.process("ffmpeg");
  await lucid.kill();
  assert.equal(await film, undefined);
  await home.deserted();
  const folder = join(home.data, "exports");
  const names = () => Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  for (const name of await names()) {
    const { success } = await new Deno.Command("ffprobe", {
      args: ["-v", "quiet", join(folder, name)],
    }).output();
    assert.ok(!success, `${name} plays`);
  }
  await home.start();
  assert.deepEqual(await names(), []);
});
