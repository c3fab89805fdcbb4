/**
 * The readable door of a running Lucid, by a client that knows nothing of Lucid: plain NATS, plain JSON.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { Home } from "../support/lucid.ts";
import { complete, record, recorded } from "./recording.ts";

Deno.test("a plain NATS client asks a session and hears its events", async () => {
  await using home = await Home.make();
  const lucid = await home.start();
  const url = new URL(
    (await Deno.readTextFile(join(home.data, "nats.url"))).trim(),
  );
  const client = await connect({
    servers: url.host,
    user: url.username,
    pass: url.password,
  });
  try {
    const heard: string[] = [];
    const events = client.subscribe("lucid.v1.evt.session.>", {
      callback: (_, { subject }) => void heard.push(subject),
    });
    await client.flush();
    const id = await record(lucid);
    await recorded(lucid, id, 1);

    const answer = await client.request(`lucid.v1.cmd.session.${id}.get`);
    const { reply } = answer.json<{ reply: { status: string } }>();
    assert.equal(reply.status, "recording");

    const refused = await client.request(`lucid.v1.cmd.session.${id}.start`);
    assert.deepEqual(refused.json(), {
      refused: "session/already-started",
      because: `Cannot start session ${id}: it is recording`,
    });

    await complete(lucid, id);
    await client.flush();
    events.unsubscribe();
    const names = heard.map((subject) => subject.split(".").slice(4).join(" "));
    assert.deepEqual(
      names.filter((name) => !name.endsWith(" leafAdded")),
      [
        "created",
        "startRequested",
        "desktopChanged",
        "started",
        "stopped",
        "recordingEnded",
        "sealed",
        "anchored",
        "completed",
      ].map((event) => `${id} ${event}`),
    );
    assert.ok(names.includes(`${id} leafAdded`));
  } finally {
    await client.close();
  }
});
