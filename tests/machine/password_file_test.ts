import assert from "node:assert/strict";
import { readPassword } from "../../machine/password_file.ts";

Deno.test("a screen's password is the first line of a small file; anything else is refused with a sentence", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/password`;
    await Deno.writeTextFile(path, "viewonly\r\nnot this\n");
    assert.equal(readPassword(path), "viewonly");

    await Deno.writeTextFile(path, "x".repeat(4_097));
    await new Deno.Command("mkfifo", { args: [`${dir}/fifo`] }).output();
    const others = [path, dir, `${dir}/fifo`, `${dir}/none`];
    for (const other of [...others, "/dev/zero", "/proc/kmsg"]) {
      assert.throws(() => readPassword(other), {
        code: "capture/no-password",
        message: new RegExp(
          `^Cannot open the screen: its password file ${other} cannot be used: .+`,
        ),
      });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
