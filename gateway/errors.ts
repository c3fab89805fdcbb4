/**
 * Every failure that can reach a caller, and its number: `LUCID_ERR_` and four digits that never change their
 * meaning. 1xxx the request, 2xxx who asks, 3xxx how much, 40xx what is asked for, 41xx blocks, 42xx entries, 43xx
 * sessions, 44xx desktops, 45xx nodes, 47xx recordings, 5xxx our side, 60xx proofs.
 *
 * @module
 */
import type { Kind } from "@lucid/runtime";

/** One row of the table. */
export interface ErrorRow {
  /** Its number. */
  readonly number: number;
  /** What the caller can do. */
  readonly kind: Kind;
  /** For every case of it alike; the problem's `title`. */
  readonly title: string;
  /** Where HTTP has a status of its own for it; else the kind decides. */
  readonly status?: number;
}

/** HTTP status of each kind. */
const STATUS: Readonly<Record<Kind, number>> = {
  invalid: 400,
  denied: 403,
  missing: 404,
  conflict: 409,
  exhausted: 429,
  unavailable: 503,
  internal: 500,
};

const row = (
  number: number,
  kind: Kind,
  title: string,
  status?: number,
): ErrorRow =>
  status === undefined
    ? { number, kind, title }
    : { number, kind, title, status };

/** Code to row: all that actors refuse with, all that the ports throw, and what the gateway itself finds. */
export const ERRORS: Readonly<Record<string, ErrorRow>> = {
  "request/invalid": row(1001, "invalid", "The request is not valid"),
  "request/missing-field": row(1002, "invalid", "A field is missing"),
  "request/format": row(1003, "invalid", "A field has the wrong format"),
  "request/range": row(1004, "invalid", "A field is out of range"),
  "request/json": row(1009, "invalid", "The body is not JSON"),
  "request/too-large": row(1010, "invalid", "The body is too large", 413),
  "request/media-type": row(
    1011,
    "invalid",
    "The body has the wrong media type",
    415,
  ),
  "request/host": row(1012, "invalid", "The host is not one of ours", 421),
  "request/key-reused": row(
    1013,
    "conflict",
    "The idempotency key was used for another request",
    422,
  ),
  "request/op-reused": row(
    1015,
    "conflict",
    "The operation id was used for another command",
  ),
  "request/unknown-command": row(1016, "invalid", "There is no such command"),
  "address/invalid": row(1017, "invalid", "The address is not valid"),
  "request/slow": row(1014, "invalid", "The body came too slowly", 408),

  "auth/no-token": row(2001, "denied", "A token is required", 401),
  "auth/bad-token": row(2003, "denied", "The token is not valid", 401),
  "auth/denied": row(2004, "denied", "The right to do this is missing"),
  "request/origin": row(2011, "denied", "The page is not one of ours"),

  "actor/busy": row(3003, "exhausted", "Too much is waiting"),
  "request/streams-full": row(3005, "exhausted", "Too many streams are open"),

  "request/no-route": row(4001, "missing", "Nothing is there"),
  "request/method": row(
    4003,
    "invalid",
    "The method is not allowed here",
    405,
  ),
  "chain/unavailable": row(4009, "unavailable", "The chain cannot be read"),

  "chain/no-block": row(4101, "missing", "The block does not exist"),
  "chain/no-transaction": row(4201, "missing", "The entry does not exist"),

  "session/unknown": row(4301, "missing", "The session does not exist"),
  "session/deleted": row(4302, "missing", "The session was deleted"),
  "session/exists": row(4303, "conflict", "The session exists already"),
  "session/already-started": row(
    4304,
    "conflict",
    "The session was started already",
  ),
  "session/not-recording": row(
    4305,
    "conflict",
    "The session is not recording",
  ),
  "session/in-progress": row(4306, "conflict", "The session is in progress"),
  "session/no-desktop": row(4307, "conflict", "The session has no desktop"),
  "session/no-chunk": row(4308, "missing", "The chunk does not exist"),
  "session/leaf-order": row(4309, "conflict", "The leaf is out of order"),
  "session/leaf-invalid": row(4310, "invalid", "The leaf is not valid"),
  "session/invalid-id": row(4311, "invalid", "The session id is not a ULID"),
  "session/not-processing": row(
    4312,
    "conflict",
    "The session is not being processed",
  ),
  "session/not-stored": row(4313, "conflict", "The session is not stored"),
  "session/not-anchored": row(
    4314,
    "conflict",
    "The session is not anchored",
  ),

  "rdp/unknown": row(4401, "missing", "The desktop does not exist"),
  "rdp/already-open": row(4402, "conflict", "The desktop is open already"),
  "rdp/invalid-id": row(4403, "invalid", "The desktop id is not a ULID"),

  "node/unknown": row(4501, "missing", "The node does not exist"),
  "node/disk-low": row(4502, "exhausted", "The node's disk is nearly full"),

  "recorder/unknown": row(4701, "missing", "The recorder does not exist"),
  "recorder/already-recording": row(
    4702,
    "conflict",
    "The recorder is recording already",
  ),
  "recorder/invalid-id": row(
    4703,
    "invalid",
    "The recorder id is not a ULID",
  ),
  "evidence/no-chunk": row(4711, "missing", "The chunk is not stored here"),
  "evidence/erased": row(4712, "missing", "The recording was erased"),
  "evidence/gap": row(
    4713,
    "conflict",
    "The leaf is a gap: nothing was recorded",
  ),
  "evidence/not-sealed": row(
    4714,
    "conflict",
    "The recording is not sealed yet",
  ),
  "evidence/nothing-recorded": row(
    4715,
    "conflict",
    "The session holds no picture",
  ),
  "evidence/exports-full": row(4716, "exhausted", "Too many exports run"),
  "recording/no-chunk": row(4721, "missing", "The chunk is not on this disk"),
  "recording/storage-busy": row(4722, "exhausted", "The disk has much to do"),
  "recording/storage-failed": row(4723, "unavailable", "The disk failed"),
  "recording/disk-full": row(4724, "exhausted", "The disk is full"),
  "recording/disk-low": row(4725, "exhausted", "The disk is nearly full"),
  "recording/vault-unreadable": row(
    4726,
    "unavailable",
    "The recording cannot be read now",
  ),
  "recording/damaged": row(4727, "internal", "The stored bytes are damaged"),

  "gateway/internal": row(5001, "internal", "Something is wrong on our side"),
  "store/unavailable": row(5002, "unavailable", "The store cannot be reached"),
  "actor/unreachable": row(5005, "unavailable", "The node cannot be reached"),
  "actor/deadline": row(5006, "unavailable", "The answer took too long"),
  "actor/unknown": row(
    5008,
    "unavailable",
    "The store gave no answer: it may have been done",
  ),
  "actor/draining": row(5009, "unavailable", "The node is shutting down"),
  "actor/poisoned": row(
    5011,
    "unavailable",
    "It failed too often and is left alone",
  ),
  "actor/threw": row(5012, "internal", "A decision failed on our side"),
  "store/full": row(5013, "exhausted", "The store's disk is full"),
  "store/busy": row(5014, "exhausted", "The store has much to do"),
  "store/closed": row(5015, "unavailable", "The store is closed"),
  "store/name": row(5016, "internal", "A query names what cannot be"),
  "actor/moved": row(5017, "unavailable", "It is moving to another node"),
  "actor/no-such-kind": row(5018, "missing", "Nobody serves this here"),
  "actor/unreadable": row(
    5019,
    "internal",
    "What is stored does not fit its schema",
  ),

  "evidence/not-anchored": row(6001, "conflict", "There is no anchor yet"),
};

/** What stands in for a code that has no row, so that even then the status tells the truth. */
const BY_KIND: Readonly<Record<Kind, ErrorRow>> = {
  invalid: ERRORS["request/invalid"]!,
  denied: ERRORS["auth/denied"]!,
  missing: ERRORS["request/no-route"]!,
  conflict: row(4007, "conflict", "It is not in the right state"),
  exhausted: ERRORS["actor/busy"]!,
  unavailable: row(5010, "unavailable", "It is not available now"),
  internal: ERRORS["gateway/internal"]!,
};

/** The row of an error. */
export function rowOf(
  error: { readonly code: string; readonly kind: Kind },
): ErrorRow {
  return Object.hasOwn(ERRORS, error.code)
    ? ERRORS[error.code]!
    : BY_KIND[error.kind];
}

/** HTTP status of a row. */
export function statusOf(row: ErrorRow): number {
  return row.status ?? STATUS[row.kind];
}

/** `LUCID_ERR_4301` */
export function errorName(row: ErrorRow): string {
  return `LUCID_ERR_${String(row.number).padStart(4, "0")}`;
}
