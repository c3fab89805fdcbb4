import assert from "node:assert/strict";
import { connect, headers } from "@nats-io/transport-node";
import {
  openHost,
  soleClaims,
  systemClock,
  systemRandom,
  traceLine,
} from "@lucid/runtime";
import { openNatsBus } from "@lucid/runtime/bus/nats";
import { silentLog } from "@lucid/runtime/testing";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { startNatsServer } from "../support/nats_server.ts";
import { behaviors, Ledger } from "./sample.ts";

Deno.test("door answers a plain NATS client, and events can be heard", async () => {
  const server = await startNatsServer();
  const shared = { clock: systemClock, log: silentLog };
  const store = openMemoryStore();
  const locate = (address: string) =>
    address.startsWith("ledger/b") ? "n2" : "n1";
  const nodes = ["n1", "n2"].map((node) => {
    const bus = openNatsBus({ ...shared, url: server.url, name: node });
    const host = openHost({
      ...shared,
      node,
      bus,
      store,
      behaviors,
      locate,
      random: systemRandom,
      claims: soleClaims(1),
    });
    return { bus, host };
  });
  const [n1, n2] = nodes as [typeof nodes[0], typeof nodes[0]];
  await Promise.all(nodes.map(({ bus }) => bus.flush()));

  const client = await connect({ servers: server.url });
  const lines: string[] = [];
  client.subscribe("lucid.v1.evt.>", {
    callback: (_, { subject, data: payload }) => {
      lines.push(traceLine({ subject, payload }));
    },
  });
  await client.flush();
  const ask = async (
    subject: string,
    input?: string,
    op?: string,
  ): Promise<unknown> => {
    const sent = headers();
    if (op !== undefined) sent.set("Lucid-Op", op);
    const answer = await client.request(`lucid.v1.cmd.${subject}`, input, {
      timeout: 5_000,
      headers: sent,
    });
    return answer.json();
  };
  assert.deepEqual(await ask("ledger.a.add", '{"by":2}', "once"), {
    reply: { sum: 2 },
  });
  assert.deepEqual(await ask("ledger.a.add", '{"by":2}', "once"), {
    reply: { sum: 2 },
  });
  assert.deepEqual(await ask("ledger.a.read"), { reply: { sum: 2 } });
  assert.deepEqual(await ask("till.n1.t.hear", '{"word":"w"}'), {
    reply: { words: 1 },
  });
  assert.deepEqual(await ask("till.n2.t.hear", '{"word":"w"}'), {
    reply: { words: 1 },
  });
  for (let i = 1; i <= 6; i++) {
    assert.deepEqual(await ask("ledger.b.add", '{"by":1}'), {
      reply: { sum: i },
    });
  }
  assert.deepEqual(await ask("ledger.a.add", '{"by":-2}'), {
    refused: "ledger/negative",
    because: "Cannot add -2 to ledger a: it is negative",
  });
  for (
    const [subject, input, error] of [
      ["ledger.a.add", '{"by":"2"}', "request/invalid"],
      ["ledger.a.add", '{"by":', "request/invalid"],
      ["ledger.a.fly", "{}", "request/unknown-command"],
      ["nobody.a.fly", "{}", "actor/no-such-kind"],
      ["ledger.a.crash", "{}", "actor/threw"],
    ] as const
  ) {
    const answer = await ask(subject, input) as { error: string };
    assert.equal(answer.error, error);
  }
  await client.flush();
  assert.equal(lines[0], 'lucid.v1.evt.ledger.a.added  {"by":2}');
  assert.equal(lines[1], 'lucid.v1.evt.till.n1.t.heard  {"word":"w"}');
  assert.equal(n2.host.stats().commits, 7);

  await server.end("SIGKILL");
  assert.deepEqual(await n1.host.ask(Ledger, "ledger/a", "add", { by: 1 }), {
    sum: 3,
  }, "actors need no bus");
  await assert.rejects(
    n1.host.ask(Ledger, "ledger/b", "read", {}, { withinMs: 100 }),
  );
  for (const { host, bus } of nodes) {
    await host.drain();
    await bus.close();
  }
  await client.close();
});
