/**
 * The baseline of verification: the arithmetic alone. The JSON is parsed, each path is hashed up, and two signatures are
 * checked with keys that are ready; nothing is compared, and nothing else is looked at.
 *
 * @module
 */
import { generateKeyPairSync, hash, sign, verify } from "node:crypto";

/** The recorder's, and the certificate's of one validator. */
const SIGNATURES = 2;
const HASH_BYTES = 32;

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const message = new Uint8Array(200);
const signature = sign(null, message, privateKey);

/** Do the arithmetic of one proof file. */
export function rawVerify(text: string): boolean {
  const file = JSON.parse(text);
  const node = new Uint8Array(1 + 2 * HASH_BYTES);
  for (const name of ["leafPath", "anchorPath", "anchoredInPath"]) {
    const path = Uint8Array.fromBase64(file[name]);
    for (let at = 0; at < path.length; at += HASH_BYTES) {
      node.set(path.subarray(at, at + HASH_BYTES), 1);
      node.set(hash("sha256", node, "buffer"), 1 + HASH_BYTES);
    }
  }
  let accepted = true;
  for (let n = 0; n < SIGNATURES; n++) {
    accepted &&= verify(null, message, publicKey, signature);
  }
  return accepted;
}
