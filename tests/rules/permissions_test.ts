/**
 * What the commands may start, read and do is written down once, and the places agree.
 *
 * @module
 */
import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import {
  howToInstall,
  installPrograms,
  missingPrograms,
  PROGRAMS,
} from "../../machine/programs.ts";
import { Environment } from "../../commands/environment.ts";

const sets: Readonly<Record<string, unknown>> = config.permissions;

Deno.test("permissions: lucid may start the programs it needs and no other", () => {
  // Deno opens /proc to no set but a complete one; cat reads there who of our children still lives.
  const needed = [...Object.keys(PROGRAMS), "cat"];
  assert.deepEqual(config.permissions.lucid.run.toSorted(), needed.sort());
});

Deno.test("permissions: lucid sees of the environment what its schema reads, and PATH", () => {
  const read = [...Object.keys(Environment.shape), "PATH"];
  assert.deepEqual(config.permissions.lucid.env.toSorted(), read.sort());
});

Deno.test("permissions: verify reads, and can do nothing else", () => {
  assert.deepEqual(sets["verify"], { read: true });
});

Deno.test("permissions: every task that runs code does so under a named set", () => {
  for (const [name, { command }] of Object.entries(config.tasks)) {
    for (
      const run of command.split("&&").filter((c) => /\bdeno run\b/.test(c))
    ) {
      const set = /-P=([a-z]+)/.exec(run)?.[1];
      assert.ok(set !== undefined && set in sets, `task ${name}: ${run}`);
      assert.doesNotMatch(run, /-A\b|--allow/, `task ${name}`);
    }
  }
});

Deno.test("programs: only an executable file counts as there", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/Xvnc`, "", { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/xterm`, "", { mode: 0o644 });
    await Deno.mkdir(`${folder}/openbox`);
    const missing = await missingPrograms(`/nowhere::${folder}`);
    const all = Object.keys(PROGRAMS);
    assert.deepEqual(missing, all.filter((name) => name !== "Xvnc"));
  });
});

Deno.test("programs: where nothing is missing nothing is said", async () => {
  await withFolder(async (folder) => {
    for (const name of Object.keys(PROGRAMS)) {
      await Deno.writeTextFile(`${folder}/${name}`, "", { mode: 0o755 });
    }
    await installPrograms(folder, (line) => assert.fail(line));
  });
});

Deno.test("programs: without apt-get each missing one is named, and how to get it", async () => {
  await assert.rejects(installPrograms("/nowhere", () => {}), ({ message }) => {
    for (const [name, from] of Object.entries(PROGRAMS)) {
      assert.ok(message.includes(`${name} (Debian package ${from})`), name);
    }
    assert.ok(message.includes("sudo apt-get install -y"), message);
    return true;
  });
  assert.equal(howToInstall(["xterm"]).split("\n").length, 2);
});

const isRoot = Deno.uid() === 0;
Deno.test({
  name: "programs: root installs what is missing, saying so" +
    (isRoot ? "" : " (skipped: this user is not root)"),
  ignore: !isRoot,
  async fn() {
    await withFolder(async (folder) => {
      // Stands in for Debian: "install" brings the programs, and each call leaves a line.
      const brings = Object.keys(PROGRAMS).map((name) => `${folder}/${name}`);
      const apt = `#!/bin/sh
echo "$DEBIAN_FRONTEND $*" >> ${folder}/calls
[ "$1" = update ] || install -m 755 /dev/null ${
        brings.join(" && install -m 755 /dev/null ")
      }
`;
      await Deno.writeTextFile(`${folder}/apt-get`, apt, { mode: 0o755 });
      const said: string[] = [];
      await installPrograms(folder, (line) => said.push(line));
      assert.equal(said.length, 1);
      assert.match(said[0]!, /because missing here: nats-server, Xvnc/);
      const calls = await Deno.readTextFile(`${folder}/calls`);
      assert.match(
        calls,
        /^noninteractive update\nnoninteractive install -y --no-install-recommends nats-server .*xfonts-base\n$/,
      );
    });
  },
});

Deno.test({
  name: "programs: an apt-get that fails is named" +
    (isRoot ? "" : " (skipped: this user is not root)"),
  ignore: !isRoot,
  async fn() {
    await withFolder(async (folder) => {
      const apt = "#!/bin/sh\nexit 100\n";
      await Deno.writeTextFile(`${folder}/apt-get`, apt, { mode: 0o755 });
      await assert.rejects(installPrograms(folder, () => {}), {
        message:
          'Cannot install programs: "apt-get update" failed, see its lines above',
      });
    });
  },
});

async function withFolder(use: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
