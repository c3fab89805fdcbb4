import assert from "node:assert/strict";
import { type Bus, systemClock } from "@lucid/runtime";
import { openNatsBus } from "@lucid/runtime/bus/nats";
import { silentLog } from "@lucid/runtime/testing";
import { startNatsServer } from "../support/nats_server.ts";
import { testBus } from "./bus.ts";

function open(url: string): Bus {
  return openNatsBus({ url, name: "test", clock: systemClock, log: silentLog });
}

testBus({
  name: "nats",
  async open() {
    const server = await startNatsServer();
    const [a, b] = [open(server.url), open(server.url)];
    await Promise.all([a.flush(), b.flush()]);
    const end = async (): Promise<void> => {
      await Promise.all([a.close(), b.close()]);
      await server.end();
    };
    return { a, b, end };
  },
});

Deno.test("nats bus: comes back after the server was killed, and sends nothing of what was said meanwhile", async () => {
  const server = await startNatsServer();
  const [a, b] = [open(server.url), open(server.url)];
  const heard: string[] = [];
  const last = Promise.withResolvers<void>();
  b.subscribe("t.>", ({ payload }) => {
    const word = new TextDecoder().decode(payload);
    heard.push(word);
    if (word === "last") last.resolve();
  });
  await Promise.all([a.flush(), b.flush()]);
  await server.end("SIGKILL");
  // Both before and after the client has noticed.
  for (let i = 0; i < 50; i++) {
    a.publish("t.x", new TextEncoder().encode("lost"));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const again = await startNatsServer(server.port);
  await Promise.all([a.flush(), b.flush()]);
  assert(a.connected && b.connected);
  a.publish("t.x", new TextEncoder().encode("last"));
  await last.promise;
  assert.deepEqual(heard, ["last"]);
  await Promise.all([a.close(), b.close()]);
  await again.end();
});

Deno.test("nats bus: opens without a server, and can be closed then", async () => {
  const bus = open("nats://127.0.0.1:1");
  assert.equal(bus.connected, false);
  bus.publish("t.x", new Uint8Array());
  await bus.close();
});
