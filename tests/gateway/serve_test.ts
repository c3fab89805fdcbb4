import assert from "node:assert/strict";
import { LucidError, systemClock } from "@lucid/runtime";
import { manualClock } from "@lucid/runtime/testing";
import { serve } from "../../gateway/serve.ts";
import { openWorld, OWNER } from "./world.ts";

const hostname = "127.0.0.1";

/** A port that nobody listens on now. */
function freePort(): number {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

Deno.test("the gateway is served, and stops while a stream is open", async () => {
  const port = freePort();
  await using world = await openWorld({
    ports: { allowedHosts: [`${hostname}:${port}`], clock: systemClock },
  });
  // A clock that stands still: the stop must not need its patience to run out.
  const server = serve(world.gateway, { hostname, port, clock: manualClock() });
  assert.equal(server.address, `http://127.0.0.1:${port}`);
  const get = (path: string, init: RequestInit = {}) =>
    fetch(server.address + path, {
      ...init,
      headers: { authorization: `Bearer ${OWNER}` },
    });
  const health = await get("/health");
  assert.equal((await health.json()).status, "ok");
  const created = await fetch(`${server.address}/api/v1/sessions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${OWNER}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ source: { kind: "desktop" } }),
  });
  const { session_id } = await created.json();
  const events = await get(`/api/v1/sessions/${session_id}/events`);
  const pieces = events.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await pieces.read()).value!, /^id: \d+\nevent: session\n/);

  const ended = pieces.read().then(({ done }) => done, () => true);
  await server.stop();
  assert.equal(await ended, true);
});

Deno.test("a stop does not wait for a caller who never ends", async () => {
  const port = freePort();
  const clock = manualClock();
  const server = serve(
    {
      // A stream that nobody but the caller or a cut can end.
      fetch: () => Promise.resolve(new Response(new ReadableStream({}))),
      operations: [],
      close: () => {},
    },
    { hostname, port, clock },
  );
  const response = await fetch(server.address);
  const stopping = server.stop();
  await clock.advance(1_000);
  await stopping;
  await response.body!.cancel().catch(() => {});
});

Deno.test("a taken port is named, and how to choose another", async () => {
  await using world = await openWorld();
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  assert.throws(
    () => serve(world.gateway, { hostname, port, clock: systemClock }),
    (error) =>
      error instanceof LucidError && error.code === "gateway/port-taken" &&
      error.message.includes(`127.0.0.1:${port}`) &&
      error.message.includes("LUCID_PORT"),
  );
  listener.close();
});

Deno.test("a web page elsewhere cannot reach the gateway by another name", async () => {
  const port = freePort();
  await using world = await openWorld({
    ports: { allowedHosts: [`${hostname}:${port}`] },
  });
  const server = serve(world.gateway, { hostname, port, clock: systemClock });
  // As a browser sends it after DNS rebinding: our address, their name.
  const connection = await Deno.connect({ hostname, port });
  await connection.write(
    new TextEncoder().encode(
      "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    ),
  );
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1\.1 421 /);
  await server.stop();
});
