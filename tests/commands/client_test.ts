import assert from "node:assert/strict";
import { join } from "node:path";
import { openClient } from "../../commands/client.ts";

Deno.test("client: an answer that is not Lucid's is a sentence", async () => {
  const bodies = ["<html>hello</html>", "", '{"detail":1}'];
  const folder = await Deno.makeTempDir();
  let body = "";
  let status = 200;
  await using server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, () => new Response(body, { status }));
  const address = `http://127.0.0.1:${server.addr.port}`;
  try {
    await Deno.mkdir(join(folder, "keys"));
    await Deno.writeTextFile(join(folder, "keys", "owner.token"), "secret\n");
    await Deno.writeTextFile(join(folder, "lucid.url"), `${address}\n`);
    const client = openClient(folder);
    for ([status, body] of bodies.map((text) => [404, text] as const)) {
      await assert.rejects(
        client.get("/sessions"),
        ({ name, message }) =>
          name === "LucidError" &&
          message.startsWith(`Cannot read the answer of ${address}: `),
      );
    }
    [status, body] = [200, "<html>"];
    await assert.rejects(client.post("/sessions"), {
      code: "client/not-lucid",
      message: /is not valid JSON; is it Lucid that listens there\?$/,
    });
    [status, body] = [409, '{"detail":"Cannot a: b","code":"LUCID_ERR_1"}'];
    await assert.rejects(client.get("/sessions"), {
      code: "client/refused",
      message: "Cannot a: b (LUCID_ERR_1)",
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
