/**
 * Fields that several protocols share.
 *
 * @module
 */
import { z } from "zod";

/** An id: 26 characters of Crockford's base 32, upper case. */
export const Ulid = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
/** Whether a text is such an id: a door of the bus lets any token in. */
export const isUlid = (text: string): boolean => Ulid.safeParse(text).success;
/** One token of an address. */
export const Token = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);
/** SHA-256 in lower-case hex. */
export const Hash = z.string().regex(/^[0-9a-f]{64}$/);
/** Milliseconds since the Unix epoch. */
export const TimeMs = z.int().min(0);
/** A count, an index or a number of bytes. */
export const Count = z.int().min(0);
/** One leaf of a session's tree, canonical bytes in hex: at most 256 of them. */
export const Leaf = z.string().regex(/^(?:[0-9a-f]{2}){1,256}$/);
/** One log entry, canonical bytes in base64: at most 16 KiB of them. */
export const EntryBytes = z.base64().max(21_848);
/** Why something is so, for people. */
export const Because = z.string().min(1).max(1_000);
/** `kind/id` or `kind/node/id`. */
export const Address = z.string().regex(
  /^[a-z]+(?:\/[A-Za-z0-9_-]{1,64}){1,2}$/,
);

/** Where a recording's picture comes from. */
export const Source = z.discriminatedUnion("kind", [
  z.strictObject({
    /** Lucid starts a desktop of its own. */
    kind: z.literal("desktop"),
    width: z.int().min(320).max(3_840),
    height: z.int().min(240).max(2_160),
  }),
  z.strictObject({
    /** A VNC server that is already there, behind a UNIX socket of the recorder's node. */
    kind: z.literal("vnc"),
    socket_path: z.string().min(1).max(107),
    /** A file of that node which holds the view password; none for a server without one. */
    password_path: z.string().min(1).max(4_096).exactOptional(),
  }),
]);
/** Where a recording's picture comes from. */
export type Source = z.infer<typeof Source>;

/** What to do when recording fails: `strict` ends it within 2 s, `lenient` goes on and names the gap. */
export const Mode = z.enum(["strict", "lenient"]);
