/**
 * An entry of the log: `[type, body, signatures]`. The body is a map with integer keys; that of a signed entry begins
 * with the chain it is meant for, the keys that sign and the last height that may include it. Types are listed in
 * `docs/chain.md`; here is what all of them share.
 *
 * @module
 */
import {
  asArray,
  asBytes,
  asInteger,
  asMap,
  decode,
  encode,
  requireRising,
  type Value,
} from "./canonical.ts";
import { isSignature, KEY_BYTES, SIGNATURE_BYTES } from "./ed25519.ts";
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES, join, sha256, tag, u8 } from "./hash.ts";

/** The types of entries in use. */
export const ENTRY_TYPES = {
  genesis: 0,
  final: 1,
  commit: 7,
  header: 8,
  interim: 12,
} as const;

/** Any entry, in bytes: a C2SP entry bundle gives its length 16 bits. */
export const ENTRY_BYTES_MAX = 65_535;

/** Entries that the log's makers add themselves, under the certificate of their block instead of signatures. */
const UNSIGNED_TYPES: readonly number[] = [
  ENTRY_TYPES.genesis,
  ENTRY_TYPES.commit,
  ENTRY_TYPES.header,
];

/** An entry taken apart. */
export interface Entry {
  readonly type: number;
  readonly body: ReadonlyMap<number, Value>;
  readonly signatures: readonly Bytes[];
  /** The body as received: what is signed and named. */
  readonly bodyBytes: Uint8Array;
  /** The whole entry: what the log's tree is over. */
  readonly bytes: Uint8Array;
}

/** A key pair of which only the public half is seen here. */
export interface Signer {
  /** 32 bytes, Ed25519. */
  readonly publicKey: Uint8Array;
  /** @returns 64 bytes: the Ed25519 signature of `message`. */
  sign(message: Uint8Array): Uint8Array;
}

/** How every signed body begins. */
export interface SignedHead {
  readonly chainId: Bytes;
  /** Ascending, none twice; the signatures match them one for one. */
  readonly keys: readonly Bytes[];
  /** The last height whose block may include the entry. */
  readonly expiryHeight: number;
}

/** On which chain and until when an entry may be included. */
export interface EntryTerms {
  readonly chainId: Uint8Array;
  readonly expiryHeight: number;
}

/** Keys 0–2 of a signed body, before the fields of its type. */
export const SIGNED_HEAD_KEYS: readonly number[] = [0, 1, 2];

/**
 * Read an entry, whatever its type.
 *
 * @throws {FormatError} If it is too long, not canonical, not of three items, or has the wrong number of signatures.
 */
export function decodeEntry(bytes: Uint8Array): Entry {
  require(
    bytes.length <= ENTRY_BYTES_MAX,
    `Cannot read an entry: it has more than ${ENTRY_BYTES_MAX} bytes`,
  );
  const [type, body, list] = asArray(decode(bytes), "an entry", 3);
  require(
    typeof type === "number" && type < 24,
    "Cannot read an entry: its type is not known",
  );
  require(body instanceof Map, "Cannot read an entry: its body is not a map");
  const signatures = asArray(list, "signatures of an entry")
    .map((item) => asBytes(item, "a signature", SIGNATURE_BYTES));
  const entry = {
    type,
    body,
    signatures,
    // One byte for "array of three", one for the type; the signatures come last.
    bodyBytes: bytes.subarray(2, bytes.length - listBytes(signatures.length)),
    bytes,
  };
  const keyCount = UNSIGNED_TYPES.includes(type)
    ? 0
    : signedHead(entry).keys.length;
  require(
    signatures.length === keyCount,
    `Cannot read an entry: ${signatures.length} signatures, not ${keyCount}`,
  );
  return entry;
}

/** How long a list of signatures is: each has a head of two bytes, the list one of one to three (RFC 8949, section 3). */
function listBytes(count: number): number {
  const headBytes = count < 24 ? 1 : count < 256 ? 2 : 3;
  return headBytes + count * (2 + SIGNATURE_BYTES);
}

/** The bytes of an entry that nobody signs: genesis, commit, header. */
export function encodeUnsigned(
  type: number,
  body: ReadonlyMap<number, Value>,
): Bytes {
  return encode([type, body, []]);
}

/**
 * Sign and encode an entry.
 *
 * @param entry Its type, the head of its body, and the fields after that (keys from 10).
 * @param signer The one key that signs; the types of today need no more.
 */
export function signEntry(
  { type, chainId, expiryHeight, fields }: EntryTerms & {
    readonly type: number;
    readonly fields: readonly (readonly [number, Value])[];
  },
  signer: Signer,
): Bytes {
  const body = new Map<number, Value>([[0, chainId], [1, [signer.publicKey]], [
    2,
    expiryHeight,
  ], ...fields]);
  const signature = signer.sign(
    signingMessage({ type, chainId, bodyBytes: encode(body) }),
  );
  return encode([type, body, [signature]]);
}

/** Read keys 0–2 of a signed body. */
export function signedHead({ body }: Pick<Entry, "body">): SignedHead {
  const keys = asArray(body.get(1), "keys of an entry").map((key) =>
    asBytes(key, "a key of an entry", KEY_BYTES)
  );
  require(keys.length > 0, "Cannot read an entry: nobody signs it");
  requireRising(keys, "keys of an entry");
  return {
    chainId: asBytes(body.get(0), "chainId of an entry", HASH_BYTES),
    keys,
    expiryHeight: asInteger(body.get(2), "expiryHeight of an entry"),
  };
}

/** Read the body of a signed entry: its head, the required fields and perhaps the optional ones, and no other. */
export function signedBody(
  entry: Entry,
  { what, keys, optional = [] }: {
    readonly what: string;
    readonly keys: readonly number[];
    readonly optional?: readonly number[];
  },
): ReadonlyMap<number, Value> {
  return asMap(entry.body, what, [...SIGNED_HEAD_KEYS, ...keys], optional);
}

/** Whether every key has signed. */
export function isSigned(entry: Entry): boolean {
  const { chainId, keys } = signedHead(entry);
  const message = signingMessage({ ...entry, chainId });
  return keys.every((key, at) =>
    isSignature({ key, message, signature: entry.signatures[at]! })
  );
}

function signingMessage(
  { type, chainId, bodyBytes }: {
    readonly type: number;
    readonly chainId: Uint8Array;
    readonly bodyBytes: Uint8Array;
  },
): Bytes {
  return join(
    tag("lucid_blocks/entry/v1"),
    chainId,
    u8(type),
    sha256(bodyBytes),
  );
}

/** What an entry is called: over its body alone, because signatures are malleable. 32 bytes. */
export function entryId(
  { type, bodyBytes }: Pick<Entry, "type" | "bodyBytes">,
): Bytes {
  return sha256(tag("lucid_blocks/entry-id/v1"), u8(type), bodyBytes);
}
