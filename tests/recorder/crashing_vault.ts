/**
 * A process that stores chunks until it dies at a named point: `crashing_vault.ts DIR POINT FIRST`.
 * Prints a line for each chunk that was acknowledged.
 *
 * @module
 */
import { openVault } from "../../recorder/vault.ts";
import type { CrashPoint } from "../../recorder/segment_writer.ts";
import { listeningLog, SESSION } from "./recordings.ts";

const [dir = "", point, first] = Deno.args;
const crashAt = { point: point as CrashPoint, job: 3 };
const vault = await openVault({
  dir,
  workers: 1,
  freeBytesFloor: 0,
  log: listeningLog(),
  crashAt,
});
for (let index = Number(first);; index++) {
  const plain = new TextEncoder().encode(`chunk ${index} `.repeat(500));
  await vault.seal({
    ...SESSION,
    index,
    startMs: index,
    endMs: index,
    plain,
    packing: "auto",
  });
  await Deno.stdout.write(new TextEncoder().encode(`${index}\n`));
}
