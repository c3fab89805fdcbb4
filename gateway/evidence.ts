/**
 * `/api/v1/sessions/{id}/…`: what there is to show for a session. The sealed chunk, its proof and its key are
 * evidence; what was decrypted or converted on the way is a view, and says so.
 *
 * @module
 */
import assert from "node:assert/strict";
import { LucidError } from "@lucid/runtime";
import { z } from "zod";
import { Session, type SessionState } from "../actors/session/protocol.ts";
import { decodeLeaf } from "../chain/leaf.ts";
import { ASK_WITHIN_MS, sessionOf } from "./access.ts";
import { file, json, jsonContent } from "./answer.ts";
import { decimal } from "./check.ts";
import { type Operation, operation } from "./operation.ts";
import { pageOf, PAGING, pagingOf, showPage } from "./page.ts";
import type { GatewayPorts } from "./ports.ts";
import { ChunkView, Disclosure } from "./session_view.ts";
import { SessionPath } from "./sessions.ts";

/** A million leaves is the largest session. */
const INDEX_MAX = 999_999;

const PREFIX = "/api/v1/sessions/{id}";
const ChunkIndex = decimal(z.int().min(0).max(INDEX_MAX));
const ChunkPath = SessionPath.extend({ n: ChunkIndex });
const FILES = [
  "evidence/erased",
  "recording/no-chunk",
  "recording/vault-unreadable",
  "recording/damaged",
];

const EVIDENCE = { "lucid-form": "evidence" };
const VIEW = {
  "lucid-form": "view",
  "lucid-note":
    "Made from the evidence by this node: to prove anything, use the sealed chunk and its proof",
};

/** The operations on what was recorded. */
export function evidenceOperations(ports: GatewayPorts): readonly Operation[] {
  const { host, store, evidence } = ports;
  return [
    operation({
      method: "get",
      path: `${PREFIX}/chunks`,
      id: "chunk.list",
      tag: "Evidence",
      summary: "List chunks and gaps, in their order",
      description:
        "A chunk is listed a moment after the session has counted it.",
      params: SessionPath,
      query: z.strictObject(PAGING),
      status: 200,
      content: jsonContent(pageOf(ChunkView), "One page of chunks"),
      refusals: ["session/unknown"],
      async handle({ params, query, caller }) {
        await sessionOf(ports, params.id, caller);
        const page = await store.list("chunks", {
          prefix: `${params.id}/`,
          ...pagingOf(query),
        });
        const items = page.items.map(({ fields }) => ChunkView.parse(fields));
        return json(showPage({ ...page, items }));
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/chunks/{n}`,
      id: "chunk.get",
      tag: "Evidence",
      summary: "Download a chunk, sealed or plain",
      description:
        "`sealed` is evidence: the ciphertext that the leaf commits to; headers give its SHA-256 and the leaf's bytes, both in hex. `plain` is a view: the decrypted piece of the record stream.",
      params: ChunkPath,
      query: z.strictObject({
        form: z.enum(["sealed", "plain"]).default("sealed"),
      }),
      status: 200,
      content: {
        description: "The chunk",
        mediaType: "application/octet-stream",
        headers: {
          "lucid-form": "`evidence` or `view`",
          "lucid-sha256": "Of a sealed chunk, in hex",
          "lucid-leaf": "Of a sealed chunk: its leaf's bytes, in hex",
          "lucid-note": "Of a view: what it is not",
        },
      },
      refusals: [
        "session/unknown",
        "session/no-chunk",
        "evidence/no-chunk",
        "evidence/gap",
        ...FILES,
      ],
      async handle({ params: { id, n }, query: { form }, caller }) {
        requireChunk(await sessionOf(ports, id, caller), n);
        const chunk = { session: id, index: n };
        const mediaType = "application/octet-stream";
        if (form === "plain") {
          const plain = await evidence.plain(chunk);
          const name = `${id}-${n}.plain`;
          return file(plain, { name, mediaType, headers: VIEW });
        }
        const { leaf, ct } = await evidence.sealed(chunk);
        return file(ct, {
          name: `${id}-${n}.sealed`,
          mediaType,
          headers: {
            ...EVIDENCE,
            "lucid-sha256": sealedHash(leaf),
            "lucid-leaf": leaf.toHex(),
          },
        });
      },
    }),
    operation({
      method: "post",
      path: `${PREFIX}/chunks/{n}/disclose`,
      id: "chunk.disclose",
      tag: "Evidence",
      summary: "Hand out the key of one chunk",
      description:
        "That it was handed out, and to whom, is put on record first. The key opens this chunk and no other.",
      params: ChunkPath,
      status: 200,
      content: jsonContent(Disclosure, "The key"),
      refusals: [
        ...Object.keys(Session.commands.disclose.refusals),
        "evidence/no-chunk",
        "evidence/gap",
        ...FILES,
      ],
      async handle({ params: { id, n }, caller, op }) {
        await sessionOf(ports, id, caller);
        const input = { index: n, user: caller.user };
        await host.ask(Session, `session/${id}`, "disclose", input, {
          op,
          withinMs: ASK_WITHIN_MS,
        });
        const key = await evidence.chunkKey({ session: id, index: n });
        return json({ session_id: id, index: n, key: key.toHex() });
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/manifest`,
      id: "session.manifest",
      tag: "Evidence",
      summary: "Download the manifest",
      description:
        "The very bytes whose hash lies in the anchor, so nothing about them is ever changed.",
      params: SessionPath,
      status: 200,
      content: {
        description: "The manifest",
        mediaType: "application/json",
        headers: { "lucid-form": "`evidence`" },
      },
      refusals: ["session/unknown", "evidence/not-sealed", ...FILES],
      async handle({ params: { id }, caller }) {
        await sessionOf(ports, id, caller);
        return file(await evidence.manifest(id), {
          name: `${id}.manifest.json`,
          mediaType: "application/json",
          headers: EVIDENCE,
        });
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/proof`,
      id: "session.proof",
      tag: "Evidence",
      summary: "Download the proof of one chunk",
      description:
        "A file of a few kB. With a trust file, anybody can check it offline: `lucid verify --trust FILE PROOF`.",
      params: SessionPath,
      query: z.strictObject({ chunk: ChunkIndex }),
      status: 200,
      content: {
        description: "The proof file, lucid-proof/1",
        mediaType: "application/json",
        headers: { "lucid-form": "`evidence`" },
      },
      refusals: [
        "session/unknown",
        "session/no-chunk",
        "evidence/not-anchored",
        "chain/unavailable",
        ...FILES,
      ],
      async handle({ params: { id }, query: { chunk }, caller }) {
        requireChunk(await sessionOf(ports, id, caller), chunk);
        return file(await evidence.proof({ session: id, index: chunk }), {
          name: `${id}-${chunk}.proof.json`,
          mediaType: "application/json",
          headers: EVIDENCE,
        });
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/recording`,
      id: "session.recording",
      tag: "Evidence",
      summary: "Download the recording as MP4",
      description:
        "A view: decrypted, decoded and encoded again while it is downloaded.",
      params: SessionPath,
      status: 200,
      content: {
        description: "The recording",
        mediaType: "video/mp4",
        headers: {
          "lucid-form": "`view`",
          "lucid-note": "What a view is not",
        },
      },
      refusals: [
        "session/unknown",
        "evidence/nothing-recorded",
        "evidence/exports-full",
        ...FILES,
      ],
      async handle({ params: { id }, caller, signal }) {
        await sessionOf(ports, id, caller);
        const { stream, bytes } = await evidence.recording(id, signal);
        return file(stream, {
          name: `${id}.mp4`,
          mediaType: "video/mp4",
          headers: {
            ...VIEW,
            ...(bytes === undefined ? {} : { "content-length": String(bytes) }),
          },
        });
      },
    }),
  ];
}

function requireChunk(
  { session_id, chunk_count }: SessionState,
  index: number,
): void {
  if (index < chunk_count) return;
  throw new LucidError(
    "session/no-chunk",
    "missing",
    `Cannot read chunk ${index} of session ${session_id}: it has ${chunk_count}`,
  );
}

/** SHA-256 of the sealed bytes, as their leaf says. */
function sealedHash(bytes: Uint8Array): string {
  const leaf = decodeLeaf(bytes);
  assert(leaf.kind === "chunk", "a gap has no sealed bytes");
  return leaf.sealedHash.toHex();
}
