/**
 * `/api/v1/sessions`: a session's life, from its creation to its deletion.
 *
 * @module
 */
import {
  type Found,
  type Index,
  LucidError,
  type Page,
  type Scalar,
} from "@lucid/runtime";
import { z } from "zod";
import { Node } from "../actors/node/protocol.ts";
import { Session, SessionState } from "../actors/session/protocol.ts";
import { ASK_WITHIN_MS, isAdmin, sessionOf } from "./access.ts";
import { json, jsonContent } from "./answer.ts";
import {
  type Call,
  type Operation,
  operation,
  operationId,
} from "./operation.ts";
import { pageOf, PAGING, pagingOf, showPage } from "./page.ts";
import type { GatewayPorts } from "./ports.ts";
import { NewSession, SessionView, showSession } from "./session_view.ts";

/** Fields that the lists below search by. */
export const INDEXES: readonly Index[] = [
  { collection: "sessions", fields: ["created_at"] },
  { collection: "sessions", fields: ["status", "created_at"] },
  { collection: "sessions", fields: ["user_id", "created_at"] },
  { collection: "sessions", fields: ["user_id", "status", "created_at"] },
];

/** Looks into the store for one page: deleted sessions are passed over, and there may be many of them. */
const LOOKS_MAX = 10;

const PREFIX = "/api/v1/sessions";
const { shape } = SessionState;
/** Path parameters of one session. */
export const SessionPath = z.strictObject({ id: shape.session_id });
const Ruled = z.strictObject({ status: SessionView.shape.status });

/** The operations on sessions themselves. */
export function sessionOperations(ports: GatewayPorts): readonly Operation[] {
  const { host } = ports;
  return [
    operation({
      method: "post",
      path: PREFIX,
      id: "session.create",
      tag: "Sessions",
      summary: "Create a session",
      description:
        "With a source of kind desktop, Lucid starts a desktop for it at once. Nothing is recorded before start. A session that nobody starts is cancelled after 8 hours. Sources of kind vnc name files of the node, so they take an administrator.",
      body: NewSession,
      status: 201,
      content: jsonContent(SessionView, "The session, as created"),
      refusals: [
        "node/unknown",
        "node/disk-low",
        "request/key-reused",
        "auth/denied",
      ],
      handle: (call) => create(ports, call),
    }),
    operation({
      method: "get",
      path: PREFIX,
      id: "session.list",
      tag: "Sessions",
      summary: "List sessions, the newest first",
      description:
        "Deleted sessions are left out. Callers see their own, administrators all.",
      query: z.strictObject({
        ...PAGING,
        status: SessionView.shape.status.exactOptional(),
      }),
      status: 200,
      content: jsonContent(pageOf(SessionView), "One page of sessions"),
      async handle({ query, caller }) {
        const where: Record<string, Scalar> = {
          ...(query.status === undefined ? {} : { status: query.status }),
          ...(isAdmin(caller) ? {} : { user_id: caller.user }),
        };
        const page = await newest(ports, { where, ...pagingOf(query) });
        const items = page.items.map(({ fields }) =>
          showSession(SessionState.parse(fields))
        );
        return json(showPage({ ...page, items }));
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/{id}`,
      id: "session.get",
      tag: "Sessions",
      summary: "Read a session",
      description:
        "Of a deleted session this remains, with `deleted_at`: its proofs hold, and nobody can read the recording any more.",
      params: SessionPath,
      status: 200,
      content: jsonContent(SessionView, "The session"),
      refusals: ["session/unknown"],
      handle: async ({ params, caller }) =>
        json(showSession(await sessionOf(ports, params.id, caller))),
    }),
    operation({
      method: "post",
      path: `${PREFIX}/{id}/start`,
      id: "session.start",
      tag: "Sessions",
      summary: "Start recording",
      description:
        "While the desktop is still coming up the answer is `created`, and recording begins by itself as soon as it is there.",
      params: SessionPath,
      status: 200,
      content: jsonContent(Ruled, "The state it is in now"),
      refusals: Object.keys(Session.commands.start.refusals),
      async handle({ params, caller, op }) {
        await sessionOf(ports, params.id, caller);
        const address = `session/${params.id}`;
        return json(
          await host.ask(Session, address, "start", {}, during(op)),
        );
      },
    }),
    operation({
      method: "post",
      path: `${PREFIX}/{id}/stop`,
      id: "session.stop",
      tag: "Sessions",
      summary: "Stop recording",
      description:
        "What was recorded is then sealed, stored and anchored without further requests: follow it by events.",
      params: SessionPath,
      status: 200,
      content: jsonContent(Ruled, "The state it is in now"),
      refusals: Object.keys(Session.commands.stop.refusals),
      async handle({ params, caller, op }) {
        await sessionOf(ports, params.id, caller);
        const address = `session/${params.id}`;
        return json(await host.ask(Session, address, "stop", {}, during(op)));
      },
    }),
    operation({
      method: "delete",
      path: `${PREFIX}/{id}`,
      id: "session.delete",
      tag: "Sessions",
      summary: "Delete a session",
      description:
        "Its key is destroyed, so nobody can read the recording any more; what was proved about it stays proved.",
      params: SessionPath,
      status: 200,
      content: jsonContent(
        z.strictObject({ deleted_at: z.int() }),
        "When it was deleted",
      ),
      refusals: Object.keys(Session.commands.delete.refusals),
      async handle({ params, caller, op }) {
        await sessionOf(ports, params.id, caller);
        const address = `session/${params.id}`;
        const { deletedAt } = await host.ask(
          Session,
          address,
          "delete",
          {},
          during(op),
        );
        return json({ deleted_at: deletedAt });
      },
    }),
  ];
}

function during(op: string) {
  return { op, withinMs: ASK_WITHIN_MS };
}

async function create(
  ports: GatewayPorts,
  call: Pick<
    Call<undefined, undefined, typeof NewSession>,
    "body" | "caller" | "idempotencyKey" | "op"
  >,
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
    }, during(op));
  } catch (error) {
    // The id was drawn for this request alone: it exists because the request went through, longer ago than actors remember.
    const done = error instanceof LucidError && error.code === "session/exists";
    if (!done) throw error;
  }
  const session = showSession(await sessionOf(ports, id, caller));
  return json(session, {
    status: 201,
    headers: { location: `${PREFIX}/${id}` },
  });
}

/**
 * The id of the session that a request creates: the one written down under its key, or a fresh one where the node has
 * room. It is written down before anything is created, so a request that comes again after a crash finds it.
 */
async function nameSession(
  { host, store, node, ids, clock }: GatewayPorts,
  { body, caller, idempotencyKey, op }: Pick<
    Call<undefined, undefined, typeof NewSession>,
    "body" | "caller" | "idempotencyKey" | "op"
  >,
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
  return shape.session_id.parse(known.fields["session_id"]);
}

/** One page of sessions that are not deleted. */
async function newest(
  { store }: Pick<GatewayPorts, "store">,
  { where, limit, after }: {
    readonly where: Readonly<Record<string, Scalar>>;
    readonly limit: number;
    readonly after?: string;
  },
): Promise<Page<Found>> {
  const items: Found[] = [];
  let next = after;
  for (let look = 0; look < LOOKS_MAX; look++) {
    const page = await store.query("sessions", {
      where,
      sort: "created_at",
      descending: true,
      // Never more than is missing: so the cursor stands right behind the last item shown.
      limit: limit - items.length,
      ...(next === undefined ? {} : { after: next }),
    });
    items.push(
      ...page.items.filter(({ fields }) => fields["deleted_at"] === undefined),
    );
    next = page.next;
    if (next === undefined || items.length === limit) break;
  }
  return next === undefined ? { items } : { items, next };
}
