/**
 * A process on a disk of 12 MiB: `full_disk.ts DIR`. Prints the refusal of a chunk that does not fit,
 * then whether it was stored once there was room.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { openVault } from "../../recorder/vault.ts";
import { listeningLog, SESSION } from "./recordings.ts";

const dir = Deno.args[0]!;
const plain = new Uint8Array(9 * 1024 * 1024);
for (let at = 0; at < plain.length; at += 65_536) {
  crypto.getRandomValues(plain.subarray(at, at + 65_536));
}
await Deno.writeFile(`${dir}/ballast`, new Uint8Array(5 * 1024 * 1024));
const vault = await openVault({
  dir: `${dir}/segments`,
  workers: 1,
  freeBytesFloor: 0,
  log: listeningLog(),
});
const chunk = {
  ...SESSION,
  index: 0,
  startMs: 0,
  endMs: 1,
  plain,
  packing: "auto" as const,
};
const say = (text: string) =>
  Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
try {
  await vault.seal(chunk);
} catch (error) {
  if (error instanceof LucidError) await say(`${error.code}: ${error.message}`);
}
await Deno.remove(`${dir}/ballast`);
await vault.seal(chunk);
await say("stored");
await vault.close();
