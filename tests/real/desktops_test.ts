/**
 * Real programs: an X server, a window manager and a terminal.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Log, systemClock as clock } from "@lucid/runtime";
import { openChildren, startOf } from "../../machine/children.ts";
import { openDataFolder } from "../../machine/data_folder.ts";
import { openDesktops } from "../../machine/desktops.ts";
import { openTap } from "../../recorder/tap.ts";
import { until } from "../support/lucid.ts";
import { SILENT } from "../support/silent.ts";

const SESSION = "01JD0000000000000000000000";
const SIZE = { width: 640, height: 480 };

Deno.test("a desktop is found or made, lets its recorder in, comes back with the same password, and leaves nothing", () =>
  withDesktops(async ({ desktops, children, lost, pidOf }) => {
    const look = async () => {
      const { socketPath: path, passwordPath } = desktops.doorOf(SESSION);
      const password = await Deno.readTextFile(passwordPath);
      const tap = await openTap({ path, password, clock, withinMs: 5_000 });
      const seen = { width: tap.width, height: tap.height, password };
      tap.close();
      return seen;
    };
    await Promise.all([
      desktops.ensure(SESSION, SIZE),
      desktops.ensure(SESSION, SIZE),
    ]);
    const first = pidOf("xvnc");
    const before = await look();
    assert.equal(before.width, 640);

    Deno.kill(first, "SIGKILL");
    assert.match(await lost(), /^Xvnc was ended by SIGKILL/);
    await desktops.ensure(SESSION, SIZE);
    assert.notEqual(pidOf("xvnc"), first);
    assert.deepEqual(await look(), before);

    const pids = [pidOf("xvnc"), pidOf("openbox")];
    await desktops.close(SESSION);
    assert.deepEqual(pids.map(startOf), [undefined, undefined]);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(children)), []);
    await desktops.close(SESSION);
  }));

Deno.test("a desktop whose window manager dies is lost as a whole, and is made again", () =>
  withDesktops(async ({ desktops, lost, pidOf }) => {
    await desktops.ensure(SESSION, SIZE);
    const [xvnc, openbox] = [pidOf("xvnc"), pidOf("openbox")];
    Deno.kill(openbox, "SIGKILL");
    assert.equal(await lost(), "openbox was ended by SIGKILL");
    assert.equal(startOf(xvnc), undefined);
    await desktops.ensure(SESSION, SIZE);
    assert.notEqual(startOf(pidOf("openbox")), undefined);
  }));

Deno.test("a desktop whose window manager cannot be started leaves no X server", () =>
  withDesktops(async ({ desktops, children }) => {
    // What stands where its record goes cannot be replaced.
    await Deno.mkdir(join(children, `${SESSION}.openbox`));
    await assert.rejects(desktops.ensure(SESSION, SIZE));
    const records = await Array.fromAsync(
      Deno.readDir(children),
      ({ name }) => name,
    );
    assert.ok(!records.includes(`${SESSION}.xvnc`), records.join());
  }));

Deno.test("daemons that were started on a desktop end with it, or with the next start of their node", () =>
  withDesktops(async ({ dir, desktops, reopen, pid }) => {
    await desktops.ensure(SESSION, SIZE);
    const first = await pid();
    assert.notEqual(startOf(first), undefined);
    await desktops.close(SESSION);
    assert.equal(startOf(first), undefined);

    await Deno.remove(join(dir, "pid"));
    await desktops.ensure(SESSION, SIZE);
    const second = await pid();
    await reopen().closeAll();
    assert.equal(startOf(second), undefined);
  }));

type World = ReturnType<typeof world>;

/** The desktops of a node, on whose terminals a daemon is started that holds everything a terminal has. */
async function withDesktops(
  test: (world: World) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const shell = `#!/bin/sh
setsid sh -c 'echo $$ > ${dir}/pid.new; mv ${dir}/pid.new ${dir}/pid; exec sleep 600' &
exec sleep 600
`;
  await Deno.writeTextFile(join(dir, "shell"), shell, { mode: 0o700 });
  const made = world(dir);
  try {
    await test(made);
  } finally {
    await made.desktops.closeAll();
    await made.close();
    await Deno.remove(dir, { recursive: true });
  }
}

function world(dir: string) {
  const data = openDataFolder(join(dir, "data"), {
    newId: () => "01JD00000000000000000000ND",
  });
  const log: Log = {
    ...SILENT,
    warn: (phrase) => assert.notEqual(phrase, "desktop outlived"),
  };
  const children = openChildren(data, { log });
  const lost = Promise.withResolvers<string>();
  const open = () =>
    openDesktops({
      children,
      runPath: data.runPath,
      shell: join(dir, "shell"),
      clock,
      log,
      onLost: (_, because) => lost.resolve(because),
    });
  return {
    dir,
    desktops: open(),
    /** As the next life of a node would, but for the X server, which still runs. */
    reopen: open,
    /** Folder of the children's records. */
    children: data.file("children"),
    lost: () => lost.promise,
    pidOf: (name: string) =>
      (JSON.parse(
        Deno.readTextFileSync(data.file("children", `${SESSION}.${name}`)),
      ) as { pid: number }).pid,
    /** Of the daemon that was started on the desktop. */
    pid: async () =>
      Number(
        await until(
          "the desktop's terminal has started a daemon",
          () => Deno.readTextFile(join(dir, "pid")).catch(() => undefined),
        ),
      ),
    async close() {
      await children.stopAll();
      data.close();
    },
  };
}
