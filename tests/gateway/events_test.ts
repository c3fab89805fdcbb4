import assert from "node:assert/strict";
import { settled } from "@lucid/runtime/testing";
import { Session } from "../../actors/session/protocol.ts";
import { NOBODYS_ID, openWorld } from "./world.ts";

const PATH = "/api/v1/sessions";

interface Message {
  readonly id: number;
  readonly status: string;
  readonly chunk_count: number;
}

/** What comes out of a stream of events, piece by piece. */
function reader(response: Response) {
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const pieces = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  return {
    async text(): Promise<string | undefined> {
      return (await pieces.read()).value;
    },
    async message(): Promise<Message> {
      const text = await this.text() ?? "";
      const match = /^id: (\d+)\nevent: session\ndata: (.*)\n\n$/.exec(text);
      assert(match, text);
      const { status, chunk_count } = JSON.parse(match[2]!);
      return { id: Number(match[1]), status, chunk_count };
    },
    cancel: () => pieces.cancel(),
  };
}

Deno.test("a session is followed as it changes", async () => {
  await using world = await openWorld();
  const id = await world.created();
  const stream = reader(await world.fetch("GET", `${PATH}/${id}/events`));
  const first = await stream.message();
  assert.equal(first.status, "created");

  const next = stream.message();
  await world.json(200, "POST", `${PATH}/${id}/start`);
  const second = await next;
  assert.equal(second.status, "recording");
  assert(second.id > first.id);
  await stream.cancel();
});

Deno.test("a slow caller gets the latest state, not every one", async () => {
  await using world = await openWorld();
  const id = await world.created();
  await world.json(200, "POST", `${PATH}/${id}/start`);
  const stream = reader(await world.fetch("GET", `${PATH}/${id}/events`));
  await stream.message();
  for (let count = 0; count < 5; count++) await world.record(id);
  let seen = await stream.message();
  if (seen.chunk_count < 5) seen = await stream.message();
  assert.equal(seen.chunk_count, 5);
  await stream.cancel();
});

Deno.test("a change whose event was lost is seen within 5 s", async () => {
  await using world = await openWorld();
  const id = await world.created();
  // A gateway that never hears an event: what it is told, it reads.
  await using deaf = await openWorld({
    ports: {
      host: { ask: world.host.ask.bind(world.host), on: () => () => {} },
      store: world.store,
    },
  });
  const stream = reader(await deaf.fetch("GET", `${PATH}/${id}/events`));
  await stream.message();
  const quiet = stream.text();
  await deaf.clock.advance(5_000);
  assert.equal(await quiet, ":\n\n", "a comment, for nothing has changed");
  const next = stream.text();
  await settled();
  await world.host.ask(Session, `session/${id}`, "start", {});
  await deaf.clock.advance(5_000);
  const heard = await next;
  assert.equal(heard, ":\n\n");
  assert.equal((await stream.message()).status, "recording");
  await stream.cancel();
});

Deno.test("streams are counted, and given back by whoever leaves", async () => {
  await using world = await openWorld();
  const id = await world.created();
  const path = `${PATH}/${id}/events`;
  const streams: Response[] = [];
  for (let count = 0; count < 256; count++) {
    streams.push(await world.fetch("GET", path));
  }
  const full = await world.json(429, "GET", path);
  assert.equal(full.code, "LUCID_ERR_3005");
  await streams.pop()!.body!.cancel();
  // Asks for the head of a stream, and so must not keep one.
  assert.equal((await world.fetch("HEAD", path)).status, 200);
  const again = await world.fetch("GET", path);
  assert.equal(again.status, 200);
  for (const one of [again, ...streams]) await one.body!.cancel();
  const free = await world.fetch("GET", path);
  assert.equal(free.status, 200);
  await free.body!.cancel();
});

Deno.test("streams end when the gateway closes", async () => {
  await using world = await openWorld();
  const id = await world.created();
  const stream = reader(await world.fetch("GET", `${PATH}/${id}/events`));
  await stream.message();
  const end = stream.text();
  await settled();
  world.gateway.close();
  assert.equal(await end, undefined);
});

Deno.test("nobody can follow a session that is not", async () => {
  await using world = await openWorld();
  await world.json(404, "GET", `${PATH}/${NOBODYS_ID}/events`);
});
