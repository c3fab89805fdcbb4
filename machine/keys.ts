/**
 * The node's keys: made at first start, each in a file of its own, mode 0600.
 *
 * `master.key` wraps the session keys; losing it loses every recording. `node.key` signs anchors,
 * `consensus.key`, `vrf.key` and `cosign.key` are the validator's, `owner.token` opens the gateway.
 * A session's key lies wrapped in `keys/sessions/<id>`; destroying that file makes the recording
 * unreadable for ever, while its proofs still hold.
 *
 *     wrapped = `LSK1` ‖ nonce 12 B ‖ AES-256-GCM(master, nonce, aad `lucid/session-key/v1\0` ‖ session id 16 B, key 32 B)
 *
 * @module
 */
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
} from "node:crypto";
import { dirname } from "node:path";
import { LucidError } from "@lucid/runtime";
import { ulidBytes } from "../chain/ulid.ts";
import {
  type DataFolder,
  readIfThere,
  removeIfThere,
  writeDurably,
} from "./data_folder.ts";

/** An Ed25519 key that signs; the secret never leaves it. */
export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  /** 64 bytes over `message`. */
  sign(message: Uint8Array): Uint8Array;
}

/** Everything secret that a node holds. */
export interface Keys {
  readonly node: SigningKey;
  readonly consensus: SigningKey;
  readonly vrf: SigningKey;
  readonly cosign: SigningKey;
  /** What the owner's requests carry. */
  readonly ownerToken: string;
  /** The session's key, made and wrapped if there is none. */
  sessionKey(sessionId: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The session's key, or undefined where it was never made or was destroyed. */
  existingSessionKey(
    sessionId: string,
  ): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Destroy the session's key; when this returns, no loss of power brings it back. */
  forget(sessionId: string): void;
}

const WRAPPED_MAGIC = new TextEncoder().encode("LSK1");
const WRAP_TAG = new TextEncoder().encode("lucid/session-key/v1\0");
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
/** DER of an Ed25519 private key but for its 32 secret bytes (RFC 8410, section 7). */
const PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420");

/**
 * Read the keys of a data folder, making those that are missing.
 *
 * @throws {LucidError} `keys/unreadable` when a key file is damaged.
 */
export async function openKeys(data: DataFolder): Promise<Keys> {
  await Deno.mkdir(data.file("keys", "sessions"), {
    recursive: true,
    mode: 0o700,
  });
  const wrapping = await crypto.subtle.importKey(
    "raw",
    secret(data, "master.key"),
    "AES-GCM",
    false,
    ["encrypt", "decrypt"],
  );
  const fileOf = (sessionId: string): string =>
    data.file("keys", "sessions", sessionId);

  async function existingSessionKey(
    sessionId: string,
  ): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const wrapped = readIfThere(fileOf(sessionId));
    return wrapped && await unwrap(wrapping, sessionId, wrapped);
  }

  return {
    node: signingKey(secret(data, "node.key")),
    consensus: signingKey(secret(data, "consensus.key")),
    vrf: signingKey(secret(data, "vrf.key")),
    cosign: signingKey(secret(data, "cosign.key")),
    ownerToken: secret(data, "owner.token").toHex(),
    existingSessionKey,
    async sessionKey(sessionId) {
      const existing = await existingSessionKey(sessionId);
      if (existing !== undefined) return existing;
      const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
      writeDurably(fileOf(sessionId), await wrap(wrapping, sessionId, key));
      return key;
    },
    forget: (sessionId) => removeDurably(fileOf(sessionId)),
  };
}

/** 32 secret bytes, as 64 hex characters and a line feed in their file. */
function secret(data: DataFolder, name: string): Uint8Array<ArrayBuffer> {
  const path = data.file("keys", name);
  const bytes = readIfThere(path);
  if (bytes === undefined) {
    const fresh = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    writeDurably(path, new TextEncoder().encode(`${fresh.toHex()}\n`));
    return fresh;
  }
  const text = new TextDecoder().decode(bytes).trim();
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new LucidError(
      "keys/unreadable",
      "unavailable",
      `Cannot read key ${path}: it is not 64 hexadecimal characters; restore it from your backup`,
    );
  }
  return Uint8Array.fromHex(text);
}

/** Remove a file so that no loss of power brings it back: its folder is synced. */
function removeDurably(path: string): void {
  removeIfThere(path);
  using folder = Deno.openSync(dirname(path), { read: true });
  folder.syncSync();
}

function signingKey(seed: Uint8Array): SigningKey {
  const key: KeyObject = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, seed]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return {
    publicKey: Uint8Array.fromBase64(x!, { alphabet: "base64url" }),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

function wrapParameters(sessionId: string, iv: Uint8Array<ArrayBuffer>) {
  const additionalData = new Uint8Array([
    ...WRAP_TAG,
    ...ulidBytes(sessionId),
  ]);
  return { name: "AES-GCM", iv, additionalData };
}

async function wrap(
  wrapping: CryptoKey,
  sessionId: string,
  key: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(
    wrapParameters(sessionId, nonce),
    wrapping,
    key,
  );
  return new Uint8Array([
    ...WRAPPED_MAGIC,
    ...nonce,
    ...new Uint8Array(sealed),
  ]);
}

async function unwrap(
  wrapping: CryptoKey,
  sessionId: string,
  wrapped: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const head = WRAPPED_MAGIC.length + NONCE_BYTES;
  try {
    const nonce = wrapped.slice(WRAPPED_MAGIC.length, head);
    return new Uint8Array(
      await crypto.subtle.decrypt(
        wrapParameters(sessionId, nonce),
        wrapping,
        wrapped.subarray(head),
      ),
    );
  } catch (cause) {
    throw new LucidError(
      "keys/unreadable",
      "unavailable",
      `Cannot unwrap the key of session ${sessionId}: it is damaged, or the master key is another one than it was`,
      { cause },
    );
  }
}
