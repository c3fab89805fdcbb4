/**
 * Who may do what: callers have what they created, and administrators have all.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { Session, type SessionState } from "../actors/session/protocol.ts";
import { type Caller, type GatewayPorts, ROLES } from "./ports.ts";

/** How long a caller waits for an actor: longer than any restart of one. */
export const ASK_WITHIN_MS = 5_000;

/** Whether the caller sees and does everything. */
export function isAdmin({ role }: Caller): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf("admin");
}

/**
 * Read a session on behalf of a caller.
 *
 * @throws {LucidError} `session/unknown` where there is none, and alike where it is somebody else's.
 */
export async function sessionOf(
  { host }: Pick<GatewayPorts, "host">,
  id: string,
  caller: Caller,
): Promise<SessionState> {
  const address = `session/${id}`;
  const state = await host.ask(Session, address, "get", {}, {
    withinMs: ASK_WITHIN_MS,
  });
  if (state.user_id === caller.user || isAdmin(caller)) return state;
  throw new LucidError(
    "session/unknown",
    "missing",
    `Cannot read session ${id}: there is none`,
  );
}
