import assert from "node:assert/strict";
import { LucidError } from "@lucid/runtime";
import { manualClock } from "@lucid/runtime/testing";
import { Outlet, type OutletOptions } from "../../recorder/outlet.ts";

const FULL = new LucidError(
  "recording/disk-full",
  "exhausted",
  "Cannot store a chunk: the disk is full",
);

/** An outlet whose disk works while `disk.works`, and whose session answers while `session.answers`. */
function outletOf(options: Partial<OutletOptions> = {}) {
  const clock = manualClock();
  const disk = { works: true, stored: [] as number[] };
  const reported: number[] = [];
  const outlet = new Outlet({
    clock,
    leaves: [],
    reported: 0,
    patienceMs: Infinity,
    onProgress: () => {},
    onLeaf: ({ index }) => Promise.resolve(void reported.push(index)),
    ...options,
  });
  const put = (index: number) =>
    outlet.put(() => {
      if (!disk.works) return Promise.reject(FULL);
      disk.stored.push(index);
      return Promise.resolve({ index, leaf: Uint8Array.of(index) });
    });
  return { clock, disk, reported, outlet, put };
}

Deno.test("outlet: pieces are stored and reported in order, then it ends", async () => {
  const { outlet, put, disk, reported } = outletOf();
  for (let index = 0; index < 5; index++) put(index);
  outlet.close();
  await outlet.stored;
  await outlet.reported;
  assert.deepEqual(disk.stored, [0, 1, 2, 3, 4]);
  assert.deepEqual(reported, [0, 1, 2, 3, 4]);
  assert.equal(outlet.last?.index, 4);
});

Deno.test("outlet: a disk that fails is tried again, in order, until it works; then there is room again", async () => {
  const { clock, outlet, put, disk, reported } = outletOf();
  disk.works = false;
  for (let index = 0; index < 3; index++) put(index);
  await clock.advance(60_000);
  assert.equal(outlet.hasRoom, false);
  assert.deepEqual(disk.stored, []);
  disk.works = true;
  await clock.advance(250);
  assert.equal(outlet.hasRoom, true);
  assert.deepEqual(reported, [0, 1, 2]);
  outlet.close();
  await outlet.reported;
});

Deno.test("outlet: strict patience with the disk ends", async () => {
  const { clock, outlet, put, disk } = outletOf({ patienceMs: 2_000 });
  disk.works = false;
  put(0);
  await clock.advance(1_900);
  assert.equal(outlet.failure, undefined);
  await clock.advance(500);
  assert.equal(outlet.failure, FULL);
  await outlet.stored;
  await outlet.reported;
});

Deno.test("outlet: closing with a full disk tries once more and says so", async () => {
  const { clock, outlet, put, disk } = outletOf();
  disk.works = false;
  put(0);
  await clock.advance(100);
  outlet.close();
  await clock.advance(1_000);
  await outlet.stored;
  assert.equal(outlet.failure, FULL);
  assert.equal(outlet.last, undefined);
});

Deno.test("outlet: storing goes on while reports wait, up to the bound, and no further", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const leaves = Array.from(
    { length: 9_998 },
    (_, index) => ({ index, leaf: new Uint8Array() }),
  );
  const { clock, outlet, put, disk } = outletOf({
    leaves,
    onLeaf: () => promise,
  });
  for (let index = 9_998; index < 10_004; index++) put(index);
  await clock.advance(0);
  assert.deepEqual(disk.stored, [9_998, 9_999]);
  assert.equal(outlet.hasRoom, false);
  resolve();
  outlet.close();
  await outlet.reported;
  assert.equal(disk.stored.length, 6);
});

Deno.test("outlet: a refused report is a failure", async () => {
  const { outlet, put } = outletOf({
    onLeaf: () => Promise.reject(new Error("no such session")),
  });
  put(0);
  await outlet.reported;
  assert.equal(outlet.failure?.code, "recording/report-refused");
  await outlet.stored;
});
