/**
 * Proof files: one leaf of one session, and everything between it and a certified header, in a few kB of JSON.
 *
 * @module
 */
import { require } from "./error.ts";
import { type Bytes, HASH_BYTES } from "./hash.ts";
import { SIGNATURE_BYTES } from "./ed25519.ts";
import { blockIdOf, decodeHeader, type Header } from "./header.ts";
import { type Certificate, certificateOf } from "./quorum.ts";
import {
  type Json,
  jsonArray,
  jsonBase64,
  jsonHex,
  jsonInteger,
  jsonObject,
  jsonString,
  parseStrictJson,
} from "./strict_json.ts";
import { ulidBytes } from "./ulid.ts";
import {
  readValidatorsJson,
  type Validator,
  validatorsJson,
} from "./validators.ts";

const FORMAT = "lucid-proof/1";

/** A header and the set that decided it. */
export interface CertifiedHeader {
  readonly bytes: Bytes;
  readonly header: Header;
  readonly blockId: Bytes;
  readonly certificate: Certificate;
  /** In force at the header's height, ascending. */
  readonly validators: readonly Validator[];
}

/** A proof file, taken apart. */
export interface Proof {
  readonly chainId: Bytes;
  /** ULID. */
  readonly sessionId: string;
  readonly leaf: Bytes;
  /** From the leaf to the session's root. */
  readonly leafPath: Bytes;
  /** The whole entry. */
  readonly anchor: Bytes;
  readonly anchorIndex: number;
  /** From the anchor to the `preRoot` of the header that dates it. */
  readonly anchorPath: Bytes;
  /** The header that dates the anchor, and its path to the certified `preRoot`; absent where it is the certified one. */
  readonly anchoredIn?: {
    readonly bytes: Bytes;
    readonly header: Header;
    readonly path: Bytes;
  };
  /** Handovers by rising height, then the certified header. */
  readonly certified: readonly CertifiedHeader[];
  /** From a trusted checkpoint to the certified `preRoot`. */
  readonly extends?: { readonly size: number; readonly path: Bytes };
}

/**
 * The text of a proof file.
 *
 * @param proof `certified`: one or more, as for {@linkcode Proof}, headers as their entries.
 */
export function proofFileText(
  proof: Omit<Proof, "certified" | "anchoredIn"> & {
    readonly certified: readonly Pick<
      CertifiedHeader,
      "bytes" | "certificate" | "validators"
    >[];
    readonly anchoredIn?: {
      readonly bytes: Uint8Array;
      readonly path: Uint8Array;
    };
  },
): string {
  const { anchoredIn } = proof;
  const file = {
    format: FORMAT,
    chainId: proof.chainId.toHex(),
    session: proof.sessionId,
    leaf: proof.leaf.toBase64(),
    leafPath: proof.leafPath.toBase64(),
    anchor: proof.anchor.toBase64(),
    anchorIndex: proof.anchorIndex,
    anchorPath: proof.anchorPath.toBase64(),
    ...(anchoredIn === undefined ? {} : {
      anchoredIn: anchoredIn.bytes.toBase64(),
      anchoredInPath: anchoredIn.path.toBase64(),
    }),
    certified: proof.certified.map(({ bytes, certificate, validators }) => ({
      header: bytes.toBase64(),
      round: certificate.round,
      signatures: certificate.signatures.map((
        { index, signature },
      ) => [index, signature.toBase64()]),
      validators: validatorsJson(validators),
    })),
    ...(proof.extends === undefined ? {} : {
      extends: {
        size: proof.extends.size,
        path: proof.extends.path.toBase64(),
      },
    }),
  };
  return `${JSON.stringify(file, null, 1)}\n`;
}

/**
 * Read a proof file. Leaf and anchor stay bytes: what is wrong in them has its own step.
 *
 * @throws {FormatError} If it is not exactly one.
 */
export function parseProof(text: string): Proof {
  const file = jsonObject(parseStrictJson(text), "a proof", {
    keys: [
      "format",
      "chainId",
      "session",
      "leaf",
      "leafPath",
      "anchor",
      "anchorIndex",
      "anchorPath",
      "certified",
    ],
    optional: ["anchoredIn", "anchoredInPath", "extends", "tlogProof"],
  });
  const format = jsonString(file.get("format"), "format of a proof");
  require(
    format === FORMAT,
    `Cannot read a proof: its format is ${format}, not ${FORMAT}`,
  );
  const base64 = (key: string) =>
    jsonBase64(file.get(key), `${key} of a proof`);
  const sessionId = jsonString(file.get("session"), "session of a proof");
  ulidBytes(sessionId);
  require(
    file.has("anchoredIn") === file.has("anchoredInPath"),
    "Cannot read a proof: anchoredIn and anchoredInPath come together",
  );
  if (file.has("tlogProof")) base64("tlogProof");
  const certified = jsonArray(file.get("certified"), "certified of a proof")
    .map(readCertified);
  require(certified.length >= 1, "Cannot read a proof: no header is certified");
  return {
    chainId: jsonHex(file.get("chainId"), "chainId of a proof", HASH_BYTES),
    sessionId,
    leaf: base64("leaf"),
    leafPath: base64("leafPath"),
    anchor: base64("anchor"),
    anchorIndex: jsonInteger(file.get("anchorIndex"), "anchorIndex of a proof"),
    anchorPath: base64("anchorPath"),
    ...(file.has("anchoredIn")
      ? {
        anchoredIn: {
          ...headerOf(base64("anchoredIn")),
          path: base64("anchoredInPath"),
        },
      }
      : {}),
    certified,
    ...(file.has("extends")
      ? { extends: readExtends(file.get("extends")) }
      : {}),
  };
}

function headerOf(bytes: Bytes): { bytes: Bytes; header: Header } {
  return { bytes, header: decodeHeader(bytes) };
}

function readCertified(value: Json): CertifiedHeader {
  const what = "a certified header of a proof";
  const row = jsonObject(value, what, {
    keys: ["header", "round", "signatures", "validators"],
  });
  const bytes = jsonBase64(row.get("header"), what);
  const header = decodeHeader(bytes);
  const blockId = blockIdOf(bytes);
  const signatures = jsonArray(row.get("signatures"), `signatures of ${what}`)
    .map((item) => {
      const [index, signature] = jsonArray(item, `a signature of ${what}`, 2);
      const found = jsonBase64(signature, `a signature of ${what}`);
      require(
        found.length === SIGNATURE_BYTES,
        `Cannot read ${what}: a signature has not ${SIGNATURE_BYTES} bytes`,
      );
      return {
        index: jsonInteger(index, `a signature of ${what}`),
        signature: found,
      };
    });
  const round = jsonInteger(row.get("round"), `round of ${what}`);
  return {
    bytes,
    header,
    blockId,
    certificate: certificateOf({
      height: header.height,
      round,
      blockId,
      signatures,
    }),
    validators: readValidatorsJson(
      row.get("validators"),
      `validators of ${what}`,
    ),
  };
}

function readExtends(value: Json | undefined): { size: number; path: Bytes } {
  const row = jsonObject(value, "extends of a proof", {
    keys: ["size", "path"],
  });
  return {
    size: jsonInteger(row.get("size"), "size of extends"),
    path: jsonBase64(row.get("path"), "path of extends"),
  };
}
