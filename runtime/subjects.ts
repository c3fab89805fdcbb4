/**
 * The subjects of the bus. Documented for operators in docs/bus.md.
 *
 * @module
 */
import type { Address } from "./address.ts";

/** How the inboxes of all nodes begin. */
export const INBOXES = "lucid.v1.node.";

/** One inbox a node: frames, in either direction. */
export function nodeSubject(node: string): string {
  return INBOXES + node;
}

/** `lucid.v1.evt.<kind>.<id>.<event>`, with the node before the id where the actor is pinned. */
export function eventSubject(
  { kind, node, id }: Address,
  event: string,
): string {
  return node === ""
    ? `lucid.v1.evt.${kind}.${id}.${event}`
    : `lucid.v1.evt.${kind}.${node}.${id}.${event}`;
}

/** The readable door for sharded actors: kind, id, command. */
export const SHARDED_DOOR = "lucid.v1.cmd.*.*.*";
/** The readable door for pinned actors: kind, node, id, command. */
export const PINNED_DOOR = "lucid.v1.cmd.*.*.*.*";
/** Tokens before the kind. */
const DOOR_DEPTH = 3;

/** The address and command that a subject of a readable door names. */
export function readDoor(
  subject: string,
): { readonly address: string; readonly command: string } {
  const tokens = subject.split(".").slice(DOOR_DEPTH);
  return {
    address: tokens.slice(0, -1).join("/"),
    command: tokens.at(-1) ?? "",
  };
}
