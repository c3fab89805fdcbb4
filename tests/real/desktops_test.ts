/**
 * Real programs: an X server, a window manager and a terminal.
 */
import assert from "node:assert/strict";
import { systemClock } from "@lucid/runtime";
import { openChildren, startOf } from "../../machine/children.ts";
import { openDataFolder } from "../../machine/data_folder.ts";
import { openDesktops } from "../../machine/desktops.ts";
import { openTap } from "../../recorder/tap.ts";
import { SILENT } from "../support/silent.ts";

const SESSION = "01JD0000000000000000000000";
const clock = systemClock;

Deno.test("a desktop is found or made, lets its recorder in, comes back with the same password, and leaves nothing", async () => {
  const dir = await Deno.makeTempDir();
  const data = openDataFolder(dir, {
    newId: () => "01JD00000000000000000000ND",
  });
  const children = openChildren(data, { log: SILENT });
  const lost = Promise.withResolvers<string>();
  const desktops = openDesktops({
    children,
    runPath: data.runPath,
    clock,
    log: SILENT,
    onLost: (_, because) => lost.resolve(because),
  });
  const size = { width: 640, height: 480 };
  const pidOf = (name: string) =>
    (JSON.parse(
      Deno.readTextFileSync(data.file("children", `${SESSION}.${name}`)),
    ) as { pid: number }).pid;
  const look = async () => {
    const { socketPath: path, passwordPath } = desktops.doorOf(SESSION);
    const password = await Deno.readTextFile(passwordPath);
    const tap = await openTap({ path, password, clock, withinMs: 5_000 });
    const seen = { width: tap.width, height: tap.height, password };
    tap.close();
    return seen;
  };
  try {
    await Promise.all([
      desktops.ensure(SESSION, size),
      desktops.ensure(SESSION, size),
    ]);
    const first = pidOf("xvnc");
    const before = await look();
    assert.equal(before.width, 640);

    Deno.kill(first, "SIGKILL");
    assert.match(await lost.promise, /^Xvnc was ended by SIGKILL/);
    await desktops.ensure(SESSION, size);
    assert.notEqual(pidOf("xvnc"), first);
    assert.deepEqual(await look(), before);

    const pids = [pidOf("xvnc"), pidOf("openbox")];
    await desktops.close(SESSION);
    assert.deepEqual(pids.map(startOf), [undefined, undefined]);
    assert.deepEqual(
      await Array.fromAsync(Deno.readDir(data.file("children"))),
      [],
    );
    await desktops.close(SESSION);
  } finally {
    await desktops.closeAll();
    data.close();
    await Deno.remove(dir, { recursive: true });
  }
});
