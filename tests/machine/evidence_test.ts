import assert from "node:assert/strict";
import { openDataFolder } from "../../machine/data_folder.ts";
import { type EvidenceOptions, openEvidence } from "../../machine/evidence.ts";

Deno.test("what a crash left of a film is removed at the start, for it is in the clear", async () => {
  const dir = await Deno.makeTempDir();
  const data = openDataFolder(dir, {
    newId: () => "01JD00000000000000000000ND",
  });
  const options = { data } as unknown as EvidenceOptions;
  openEvidence(options);
  await Deno.writeTextFile(data.file("exports", "a.mp4.partial"), "screen");
  openEvidence(options);
  const left = await Array.fromAsync(Deno.readDir(data.file("exports")));
  assert.deepEqual(left, []);
  data.close();
  await Deno.remove(dir, { recursive: true });
});
