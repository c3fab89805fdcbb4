import assert from "node:assert/strict";
import { join } from "node:path";
import { openChildren, startOf } from "../../machine/children.ts";
import { endHolders } from "../../machine/end_holders.ts";
import { until } from "../support/lucid.ts";
import { startedSleep, withData, witness } from "./world.ts";

Deno.test("children: one has ended when it ended, though a daemon of its holds its error stream", () =>
  withData(async (data) => {
    const children = openChildren(data, witness());
    const child = children.start({
      name: "parent",
      program: "sh",
      args: ["-c", "sleep 600 & echo $! > pid; echo out of luck >&2; exit 3"],
    });
    assert.equal(await child.ended, "sh ended with code 3 (out of luck)");
    const pid = Number(await Deno.readTextFile(data.file("pid")));
    assert.notEqual(startOf(pid), undefined, "the daemon lives");
    await children.stopAll();
    Deno.kill(pid, "SIGKILL");
  }));

Deno.test("children: a record that cannot be removed is logged, and the end is told all the same", () =>
  withData(async (data) => {
    const { log, said } = witness();
    const children = openChildren(data, { log });
    const spec = { name: "one", program: "sleep", args: ["600"] };
    const child = children.start(spec);
    await inTheWay(data.file("children"), () => child.stop());
    assert.deepEqual(said, ["record of a child stays"]);
  }));

Deno.test("children: nothing runs whose record cannot be written", () =>
  withData(async (data) => {
    const children = openChildren(data, witness());
    await inTheWay(data.file("children"), async () => {
      const spec = { name: "one", program: "sleep", args: ["600"] };
      const mark = `MARK=${data.path}`;
      assert.throws(() =>
        children.start({ ...spec, env: { MARK: data.path } })
      );
      await until("nobody runs", async () => !(await isHeld(mark)));
      await children.stopAll();
    });
  }));

Deno.test("endHolders ends a daemon by its environment, and nobody else", async () => {
  const mark = crypto.randomUUID();
  const held = startedSleep({ DESKTOP: `/run/${mark}/cookie` }, ["setsid"]);
  const other = startedSleep({ DESKTOP: `/run/${mark}-other/cookie` });
  await endHolders(`DESKTOP=/run/${mark}/`);
  assert.equal((await held.status).signal, "SIGKILL");
  assert.notEqual(startOf(other.pid), undefined);
  other.kill("SIGKILL");
  await other.status;
  await endHolders(`DESKTOP=/run/${mark}/`);
});

/** A file stands where a folder was: what is in it can neither be written nor removed, not even by root. */
async function inTheWay(
  folder: string,
  test: () => Promise<void>,
): Promise<void> {
  await Deno.rename(folder, `${folder}.away`);
  await Deno.writeTextFile(folder, "");
  await test();
  await Deno.remove(folder);
  await Deno.rename(`${folder}.away`, folder);
}

async function isHeld(setting: string): Promise<boolean> {
  for await (const { name } of Deno.readDir("/proc")) {
    const path = join("/proc", name, "environ");
    const environment = await Deno.readTextFile(path).catch(() => "");
    if (environment.includes(setting)) return true;
  }
  return false;
}
