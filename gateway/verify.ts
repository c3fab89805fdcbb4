/**
 * `POST /api/v1/chain/verify`: a proof checked here. A convenience: whoever has reason to doubt this server checks
 * offline, with `lucid verify`.
 *
 * @module
 */
import { z } from "zod";
import { PLAIN_BYTES_MAX, SEALED_BYTES_MAX } from "../chain/leaf.ts";
import { verifyProof } from "../chain/verify.ts";
import { json, jsonContent } from "./answer.ts";
import { type Operation, operation } from "./operation.ts";
import type { GatewayPorts } from "./ports.ts";

/** A sealed chunk in base64 is 13.4 MiB at most; a proof and a trust file are at most 1 MiB each. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** The format's own limit for both files. */
const FILE_CHARS_MAX = 1024 * 1024;
const BASE64_CHARS_MAX = 4 * Math.ceil(SEALED_BYTES_MAX / 3);

const File = z.string().min(1).max(FILE_CHARS_MAX);
const Chunk = z.string().max(BASE64_CHARS_MAX).transform((text, context) => {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    context.issues.push({
      code: "custom",
      input: text,
      message: "is not base64",
    });
    return z.NEVER;
  }
});

const Question = z.strictObject({
  proof: File.meta({ description: "The proof file, as text" }),
  trust: File.exactOptional().meta({
    description:
      "The trust file, as text; without one the best answer is UNPINNED",
  }),
  chunk: Chunk.exactOptional().meta({
    description: `The sealed chunk in base64, of at most ${
      PLAIN_BYTES_MAX / 2 ** 20
    } MiB`,
  }),
});

const Answer = z.strictObject({
  answer: z.string().meta({
    description:
      "`VALID(single-operator)`, `VALID(n, witnesses)`, `INTERIM(…)`, `UNPINNED` or `INVALID(step)`",
  }),
  exit_code: z.int().meta({
    description: "0 valid, 1 invalid, 2 unpinned, 4 interim",
  }),
  steps: z.array(z.strictObject({
    name: z.string(),
    holds: z.boolean(),
    sentence: z.string(),
  })),
  findings: z.record(z.string(), z.unknown()).exactOptional().meta({
    description: "What the proof is about; absent where a step failed",
  }),
  caveats: z.array(z.string()).meta({
    description: "What the answer does not say",
  }),
});

/** The operation that checks a proof. */
export function verifyOperation(
  { clock }: Pick<GatewayPorts, "clock">,
): Operation {
  return operation({
    method: "post",
    path: "/api/v1/chain/verify",
    id: "chain.verify",
    tag: "Chain",
    summary: "Check a proof",
    description:
      "Whatever the files hold, the answer is 200 and says what was found. To be independent of this server, check offline: `lucid verify --trust FILE PROOF`.",
    body: Question,
    bodyBytesMax: BODY_BYTES_MAX,
    status: 200,
    content: jsonContent(Answer, "Each step, and the answer"),
    handle({ body }) {
      const report = verifyProof({ ...body, nowMs: clock.now() });
      return json({
        answer: report.answer,
        exit_code: report.exitCode,
        steps: report.steps,
        ...(report.findings === undefined
          ? {}
          : { findings: show(report.findings) }),
        caveats: report.caveats,
      });
    },
  });
}

/** Findings as JSON: bytes in hex, names in snake_case. */
function show(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex();
  if (Array.isArray(value)) return value.map(show);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      show(inner),
    ]),
  );
}
