/**
 * Creating a session, the one request that makes something new: what keeps it from being made twice.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { Ulid } from "../actors/fields.ts";
import { Node } from "../actors/node/protocol.ts";
import { Session } from "../actors/session/protocol.ts";
import { ASK_WITHIN_MS, isAdmin, sessionOf } from "./access.ts";
import { json } from "./answer.ts";
import { type Call, operationId } from "./operation.ts";
import type { GatewayPorts } from "./ports.ts";
import { type NewSession, showSession } from "./session_view.ts";

/** What is looked at of the request. */
type Creation = Pick<
  Call<undefined, undefined, typeof NewSession>,
  "body" | "caller" | "idempotencyKey" | "op"
>;

/**
 * Create a session, once for each request.
 *
 * @throws {LucidError} `node/…` where there is no room, `request/key-reused`, `auth/denied`.
 */
export async function createSession(
  ports: GatewayPorts,
  call: Creation,
): Promise<Response> {
  const { host, node } = ports;
  const { body, caller, op } = call;
  if (body.source.kind === "vnc" && !isAdmin(caller)) {
    throw new LucidError(
      "auth/denied",
      "denied",
      "Cannot create the session: a VNC source names files of the node, which takes an administrator",
    );
  }
  const id = await nameSession(ports, call);
  try {
    await host.ask(Session, `session/${id}`, "create", {
      user: caller.user,
      node,
      name: body.name,
      description: body.description,
      source: body.source,
      mode: body.mode,
      chunkMs: body.chunk_ms,
      maxDurationMs: body.max_duration_ms,
    }, { op, withinMs: ASK_WITHIN_MS });
  } catch (error) {
    // The id was drawn for this request alone: it exists because the request went through, longer ago than actors remember.
    const done = error instanceof LucidError && error.code === "session/exists";
    if (!done) throw error;
  }
  const session = showSession(await sessionOf(ports, id, caller));
  return json(session, {
    status: 201,
    headers: { location: `/api/v1/sessions/${id}` },
  });
}

/**
 * The id of the session that a request creates: the one written down under its key, or a fresh one where the node has
 * room. It is written down before anything is created, so a request that comes again after a crash finds it.
 */
async function nameSession(
  { host, store, node, ids, clock }: GatewayPorts,
  { body, caller, idempotencyKey, op }: Creation,
): Promise<string> {
  const admit = () =>
    host.ask(Node, `node/${node}`, "admit", {}, { withinMs: ASK_WITHIN_MS });
  if (idempotencyKey === undefined) {
    await admit();
    return ids();
  }
  const row = { collection: "requests", id: op };
  const bodyHash = operationId([JSON.stringify(body)]);
  let known = await store.get(row);
  if (known === undefined) {
    await admit();
    const value = {
      user_id: caller.user,
      session_id: ids(),
      body_hash: bodyHash,
      created_at: clock.now(),
    };
    await store.insertRows([{ table: row.collection, key: row.id, value }]);
    // Read back: where two came at once, the first one's row stayed.
    known = await store.get(row);
  }
  if (known?.fields["body_hash"] !== bodyHash) {
    throw new LucidError(
      "request/key-reused",
      "conflict",
      "Cannot create the session: its Idempotency-Key came before with another body",
    );
  }
  return Ulid.parse(known.fields["session_id"]);
}
