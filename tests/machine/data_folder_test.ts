import assert from "node:assert/strict";
import { join } from "node:path";
import {
  holderOf,
  openDataFolder,
  writeDurably,
} from "../../machine/data_folder.ts";
import { openKeys } from "../../machine/keys.ts";

const newId = () => "01JD00000000000000000000ND";
const SESSION = "01JD0000000000000000000000";

/** A folder that is gone after the test. */
async function withFolder(test: (dir: string) => unknown): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("a second Lucid on the same folder is refused with a sentence, until the first has gone", () =>
  withFolder((dir) => {
    const first = openDataFolder(dir, { newId });
    assert.throws(() => openDataFolder(dir, { newId }), {
      code: "data/locked",
      message:
        /^Cannot open data folder .+: another Lucid \(process \d+\) uses it; .+/,
    });
    first.close();
    const second = openDataFolder(dir, { newId });
    assert.equal(second.nodeId, first.nodeId);
    assert.deepEqual([first.boot, second.boot], [1, 2]);
    second.close();
  }));

Deno.test("a data folder that cannot be one is refused with a sentence", () =>
  withFolder(async (dir) => {
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "");
    assert.throws(() => openDataFolder(file, { newId }), {
      code: "data/unreadable",
      message: /^Cannot open data folder .+; make it readable and writable/,
    });
    const data = join(dir, "data");
    const cases = [
      [
        "boot",
        ["many\n", "", " \n", "-1", "1e3", "0x10"],
        /it holds no number/,
      ],
      [
        "node.json",
        ["{}", "", "null", '{"node_id":"me"}', '{"node_id":7}'],
        /it does not hold this node's id; restore it from a backup/,
      ],
    ] as const;
    await Deno.mkdir(data);
    for (const [name, texts, message] of cases) {
      for (const text of texts) {
        await Deno.writeTextFile(join(data, name), text);
        assert.throws(() => openDataFolder(data, { newId }), {
          code: "data/unreadable",
          message,
        }, text);
      }
      await Deno.remove(join(data, name));
    }
    openDataFolder(data, { newId }).close();
  }));

Deno.test("a data folder says who holds it, and a file left over holds nothing", () =>
  withFolder((dir) => {
    assert.equal(holderOf(dir), undefined);
    const data = openDataFolder(dir, { newId });
    assert.equal(holderOf(dir), `a Lucid (process ${Deno.pid})`);
    data.close();
    assert.equal(holderOf(dir), undefined);
  }));

Deno.test("sockets find room however deep the data folder lies", () =>
  withFolder((dir) => {
    const deep = join(dir, "a".repeat(60));
    const data = openDataFolder(deep, { newId });
    assert.ok(data.runPath.length <= 60, data.runPath);
    data.close();
    assert.throws(() => Deno.statSync(data.runPath), Deno.errors.NotFound);
  }));

Deno.test("writeDurably leaves the old bytes or the new ones, and no draft", () =>
  withFolder(async (dir) => {
    const path = join(dir, "file");
    writeDurably(path, new TextEncoder().encode("old"));
    writeDurably(path, new TextEncoder().encode("new"));
    assert.equal(await Deno.readTextFile(path), "new");
    const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
    assert.deepEqual(names, ["file"]);
  }));

Deno.test("keys are made once, mode 0600, and stay the same", () =>
  withFolder(async (dir) => {
    const data = openDataFolder(dir, { newId });
    const first = await openKeys(data);
    const again = await openKeys(data);
    assert.equal(first.ownerToken, again.ownerToken);
    assert.deepEqual(first.node.publicKey, again.node.publicKey);
    assert.notDeepEqual(first.node.publicKey, first.consensus.publicKey);
    const message = new Uint8Array([1, 2, 3]);
    assert.deepEqual(first.node.sign(message), again.node.sign(message));
    for await (const { name, isFile } of Deno.readDir(data.file("keys"))) {
      if (!isFile) continue;
      const { mode } = await Deno.stat(data.file("keys", name));
      assert.equal(mode! & 0o777, 0o600, name);
    }
    data.close();
  }));

Deno.test("a session's key is wrapped, opens with the right master key alone, and can be destroyed", () =>
  withFolder(async (dir) => {
    const data = openDataFolder(dir, { newId });
    const keys = await openKeys(data);
    assert.equal(await keys.existingSessionKey(SESSION), undefined);
    const key = await keys.sessionKey(SESSION);
    assert.deepEqual(await keys.existingSessionKey(SESSION), key);
    const wrapped = await Deno.readFile(data.file("keys", "sessions", SESSION));
    assert.ok(!wrapped.toHex().includes(key.toHex()));

    const other = "01JD0000000000000000000001";
    await Deno.writeFile(data.file("keys", "sessions", other), wrapped);
    await assert.rejects(keys.sessionKey(other), { code: "keys/unreadable" });
    await Deno.writeTextFile(
      data.file("keys", "master.key"),
      `${"00".repeat(32)}\n`,
    );
    await assert.rejects((await openKeys(data)).sessionKey(SESSION), {
      code: "keys/unreadable",
      message: /the master key is another one/,
    });
    await Deno.writeTextFile(data.file("keys", "master.key"), "short\n");
    await assert.rejects(openKeys(data), {
      code: "keys/unreadable",
      message: /restore it from your backup/,
    });

    keys.forget(SESSION);
    assert.equal(await keys.existingSessionKey(SESSION), undefined);
    data.close();
  }));
