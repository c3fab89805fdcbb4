import assert from "node:assert/strict";
import type { Clock, Host } from "@lucid/runtime";
import { watchDisk } from "../../machine/disk.ts";
import { witness } from "./world.ts";

Deno.test("disk: one that cannot be looked at is logged, and looked at again", async () => {
  const dir = await Deno.makeTempDir();
  const { log, said } = witness();
  const observed: unknown[] = [];
  let nowMs = 0;
  let look = (): void => {};
  const clock: Clock = {
    now: () => nowMs,
    elapsedMs: () => nowMs,
    after(ms, run) {
      look = () => {
        nowMs += ms;
        run();
      };
      return () => {};
    },
  };
  const host = {
    node: "here",
    ask: (_: unknown, ...asked: unknown[]) =>
      Promise.resolve(observed.push(asked)),
  } as unknown as Host;
  const path = `${dir}/data`;
  await Deno.mkdir(path);
  const stop = watchDisk(host, { path, floorBytes: 1, clock, log });
  await Deno.remove(path);
  for (let i = 0; i < 6; i++) look();
  assert.deepEqual(said, Array(6).fill("disk not seen"));
  assert.equal(observed.length, 0);
  await Deno.mkdir(path);
  look();
  assert.equal(observed.length, 1);
  stop();
  await Deno.remove(dir, { recursive: true });
});
