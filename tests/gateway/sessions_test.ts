import assert from "node:assert/strict";
import { Round } from "../../actors/round/protocol.ts";
import { sha256 } from "../../chain/hash.ts";
import { GUEST, NOBODYS_ID, NODE, openWorld } from "./world.ts";

const PATH = "/api/v1/sessions";

Deno.test("a session goes from created to completed by way of the API", async () => {
  await using world = await openWorld();
  const answer = await world.fetch("POST", PATH, {
    body: { source: { kind: "desktop" }, name: "One" },
  });
  assert.equal(answer.status, 201);
  const created = await answer.json();
  const one = `${PATH}/${created.session_id}`;
  assert.equal(answer.headers.get("location"), one);
  assert.equal(created.status, "created");
  assert.deepEqual(created.source, {
    kind: "desktop",
    width: 1280,
    height: 720,
  });
  assert.equal("frontier" in created, false);
  assert.equal("start_requested" in created, false);

  await world.clock.advance(100);
  assert.equal((await world.json(200, "GET", one)).desktop, "ready");
  assert.deepEqual(await world.json(200, "POST", `${one}/start`), {
    status: "recording",
  });
  await world.record(created.session_id);
  await world.record(created.session_id);
  assert.deepEqual(await world.json(200, "POST", `${one}/stop`), {
    status: "processing",
  });
  await world.clock.advance(1_000);
  const stored = await world.json(200, "GET", one);
  assert.equal(stored.status, "stored");
  assert.equal(stored.chunk_count, 2);

  await world.host.ask(Round, `round/${NODE}/main`, "decided", {
    height: 2,
    blockId: "cd".repeat(32),
    blockTime: world.clock.now(),
    entries: [{ entryId: stored.entry_id, entryIndex: 3 }],
  });
  await world.clock.advance(1_000);
  const completed = await world.json(200, "GET", one);
  assert.equal(completed.status, "completed");
  assert.equal(completed.anchor.height, 2);

  const { deleted_at } = await world.json(200, "DELETE", one);
  assert.equal((await world.json(200, "GET", one)).deleted_at, deleted_at);
  assert.deepEqual((await world.json(200, "GET", PATH)).items, []);
});

Deno.test("a POST under one Idempotency-Key creates one session", async () => {
  await using world = await openWorld();
  const body = { source: { kind: "desktop" }, name: "Once" };
  const headers = { "idempotency-key": "key-1" };
  const [first, second] = await Promise.all([
    world.json(201, "POST", PATH, { body, headers }),
    world.json(201, "POST", PATH, { body, headers }),
  ]);
  assert.equal(first.session_id, second.session_id);
  const spelledOut = { ...body, mode: "strict", description: "" };
  const third = await world.json(201, "POST", PATH, {
    body: spelledOut,
    headers,
  });
  assert.equal(third.session_id, first.session_id);
  assert.equal((await world.json(200, "GET", PATH)).items.length, 1);

  const other = await world.json(422, "POST", PATH, {
    body: { ...body, name: "Twice" },
    headers,
  });
  assert.equal(other.code, "LUCID_ERR_1013");
  const guests = await world.json(201, "POST", PATH, {
    body,
    headers,
    token: GUEST,
  });
  assert.notEqual(guests.session_id, first.session_id, "keys are a user's own");
});

Deno.test("an Idempotency-Key repeats an acceptance, and each path has its own", async () => {
  await using world = await openWorld();
  const one = `${PATH}/${await world.created()}`;
  const headers = { "idempotency-key": "key-1" };
  await world.json(200, "POST", `${one}/start`, { headers });
  await world.json(200, "POST", `${one}/start`, { headers });
  await world.json(409, "POST", `${one}/start`);
  await world.json(200, "POST", `${one}/stop`, { headers });
});

Deno.test("a created session survives a full disk when its request comes again", async () => {
  await using world = await openWorld();
  const request = {
    body: { source: { kind: "desktop" } },
    headers: { "idempotency-key": "key-1" },
  };
  const first = await world.json(201, "POST", PATH, request);
  await world.host.request(`node/${NODE}`, "observe", {
    freeBytes: 0,
    floorBytes: 1_000,
  });
  const second = await world.json(201, "POST", PATH, request);
  assert.equal(second.session_id, first.session_id);
  const fresh = await world.json(429, "POST", PATH, { body: request.body });
  assert.equal(fresh.code, "LUCID_ERR_4502");
});

Deno.test("sessions are listed newest first, in pages, without the deleted ones", async () => {
  await using world = await openWorld();
  const ids: string[] = [];
  for (let count = 0; count < 7; count++) ids.unshift(await world.created());
  const deleted = ids.splice(2, 1);
  for (const id of deleted) await world.json(200, "DELETE", `${PATH}/${id}`);
  await world.json(200, "POST", `${PATH}/${ids[1]}/start`);

  const seen: string[] = [];
  let cursor = "";
  do {
    const page = await world.json(200, "GET", `${PATH}?limit=2${cursor}`);
    assert(page.items.length <= 2);
    seen.push(
      ...page.items.map((one: { session_id: string }) => one.session_id),
    );
    cursor = page.next_cursor === undefined
      ? ""
      : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== "");
  assert.deepEqual(seen, ids);

  const { items } = await world.json(200, "GET", `${PATH}?status=recording`);
  assert.deepEqual(
    items.map((one: { session_id: string }) => one.session_id),
    [ids[1]],
  );
});

Deno.test("a caller sees nothing of somebody else's session", async () => {
  await using world = await openWorld();
  const owners = await world.created();
  const guests = await world.created({}, GUEST);
  const request = { token: GUEST };
  assert.equal((await world.json(200, "GET", PATH, request)).items.length, 1);
  assert.equal((await world.json(200, "GET", PATH)).items.length, 2);
  await world.json(200, "GET", `${PATH}/${guests}`);
  for (
    const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/start"],
      ["POST", "/stop"],
      ["GET", "/events"],
      ["GET", "/chunks"],
      ["GET", "/chunks/0"],
      ["POST", "/chunks/0/disclose"],
      ["GET", "/manifest"],
      ["GET", "/proof?chunk=0"],
      ["GET", "/recording"],
    ] as const
  ) {
    const other = await world.json(
      404,
      method,
      `${PATH}/${owners}${path}`,
      request,
    );
    const nobodys = await world.json(
      404,
      method,
      `${PATH}/${NOBODYS_ID}${path}`,
      request,
    );
    assert.equal(other.code, "LUCID_ERR_4301");
    assert.equal(other.code, nobodys.code);
    assert.equal(
      other.detail.replace(owners, ""),
      nobodys.detail.replace(NOBODYS_ID, ""),
    );
  }
  const vnc = { source: { kind: "vnc", socket_path: "/run/vnc" } };
  const denied = await world.json(403, "POST", PATH, {
    body: vnc,
    token: GUEST,
  });
  assert.equal(denied.code, "LUCID_ERR_2004");
  await world.json(201, "POST", PATH, { body: vnc });
});

Deno.test("chunks are listed, and handed out as evidence or as a view", async () => {
  await using world = await openWorld();
  const id = await world.created();
  const one = `${PATH}/${id}`;
  await world.json(200, "POST", `${one}/start`);
  for (let count = 0; count < 3; count++) await world.record(id);

  const first = await world.json(200, "GET", `${one}/chunks?limit=2`);
  assert.equal(first.items.length, 2);
  const rest = await world.json(
    200,
    "GET",
    `${one}/chunks?cursor=${encodeURIComponent(first.next_cursor)}`,
  );
  assert.deepEqual(
    [...first.items, ...rest.items].map((one) => one.sequence_number),
    [0, 1, 2],
  );
  assert.equal(rest.next_cursor, undefined);

  const sealed = await world.fetch("GET", `${one}/chunks/1`);
  const bytes = new Uint8Array(await sealed.arrayBuffer());
  assert.equal(sealed.headers.get("lucid-form"), "evidence");
  assert.equal(sealed.headers.get("lucid-sha256"), sha256(bytes).toHex());
  assert.match(sealed.headers.get("lucid-leaf")!, /^8b01/);

  const plain = await world.fetch("GET", `${one}/chunks/1?form=plain`);
  assert.equal(await plain.text(), "plain 1");
  assert.equal(plain.headers.get("lucid-form"), "view");
  assert.match(plain.headers.get("lucid-note")!, /sealed chunk/);

  const proof = await world.fetch("GET", `${one}/proof?chunk=2`);
  assert.equal(await proof.text(), '{"format":"lucid-proof/1"}');
  const manifest = await world.fetch("GET", `${one}/manifest`);
  assert.equal(await manifest.text(), '{"format":"manifest"}');
  const recording = await world.fetch("GET", `${one}/recording`);
  assert.equal(recording.headers.get("content-type"), "video/mp4");
  assert.equal(recording.headers.get("lucid-form"), "view");
  assert.equal(await recording.text(), "mp4");
});

Deno.test("a chunk's key is on record before it is handed out", async () => {
  await using world = await openWorld();
  const id = await world.created({}, GUEST);
  await world.json(200, "POST", `${PATH}/${id}/start`);
  await world.record(id);
  await world.record(id);
  const disclose = (index: number) =>
    world.json(200, "POST", `${PATH}/${id}/chunks/${index}/disclose`, {
      token: GUEST,
      headers: { "idempotency-key": "same" },
    });
  assert.deepEqual(await disclose(1), {
    session_id: id,
    index: 1,
    key: "01".repeat(32),
  });
  await disclose(0);
  await disclose(0);
  await world.clock.advance(100);
  const rows = await world.store.list("audit_logs", {
    prefix: `${id}/`,
    limit: 10,
  });
  assert.deepEqual(
    rows.items.map(({ fields }) => [
      fields["user_id"],
      fields["sequence_number"],
    ]),
    [["guest", 1], ["guest", 0]],
  );
});
