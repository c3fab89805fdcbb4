/**
 * `/api/v1/sessions`: a session's life, from its creation to its deletion.
 *
 * @module
 */
import type { Found, Index, Page, Scalar } from "@lucid/runtime";
import { z } from "zod";
import { Session, SessionState } from "../actors/session/protocol.ts";
import { ASK_WITHIN_MS, isAdmin, sessionOf } from "./access.ts";
import { json, jsonContent } from "./answer.ts";
import { createSession } from "./create_session.ts";
import { type Operation, operation } from "./operation.ts";
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
      handle: (call) => createSession(ports, call),
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
