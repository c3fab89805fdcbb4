/**
 * The API document: OpenAPI 3.1, made from the operations themselves.
 *
 * Source: https://spec.openapis.org/oas/v3.1.0
 *
 * @module
 */
import { z } from "zod";
import { errorName, ERRORS, rowOf, statusOf } from "./errors.ts";
import type { Operation } from "./operation.ts";
import { Problem } from "./problem.ts";

/** A JSON value of the document. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

const TAGS = {
  Meta: "The service itself.",
  Sessions: "Recordings, from their creation to their proof.",
  Evidence:
    "What there is to show for a session: evidence, and views made from it.",
  Chain: "Lucid's own chain, lucid_blocks, and the checking of proofs.",
} as const satisfies Record<Operation["tag"], string>;

/** What any operation may answer, by what stands before it. */
const COMMON = ["request/host", "request/origin", "gateway/internal"];
const WITH_TOKEN = ["auth/no-token", "auth/bad-token"];
const WITH_ACTOR = [
  "actor/busy",
  "actor/deadline",
  "actor/draining",
  "store/unavailable",
];
const WITH_BODY = [
  "request/json",
  "request/too-large",
  "request/media-type",
  "request/slow",
];
const WITH_FIELDS = [
  "request/invalid",
  "request/missing-field",
  "request/format",
  "request/range",
];

/** The document that describes these operations. */
export function openApi(
  operations: readonly Operation[],
  { version }: { readonly version: string },
): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const one of operations) {
    (paths[one.path] ??= {})[one.method] = describe(one);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Lucid",
      version,
      summary: "Remote desktops you can prove things about",
      description:
        "Everything but /health, /docs and /openapi.json takes a bearer token. Every POST understands Idempotency-Key: the same request under the same key is done once and answered alike for at least 24 hours. Times are milliseconds since the Unix epoch, hashes lower-case hex, ids ULIDs. Lists come in pages: give next_cursor back as cursor. Rate limits come with accounts; until then the owner's token has none.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS).map(([name, description]) => ({
      name,
      description,
    })),
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
      },
      schemas: { Problem: schemaOf(Problem, "output") },
    },
  };
}

function describe(one: Operation): JsonObject {
  const parameters = [
    ...parametersOf(one.params, "path"),
    ...parametersOf(one.query, "query"),
    ...(one.method === "get" ? [] : [IDEMPOTENCY_KEY]),
  ];
  return {
    operationId: one.id,
    tags: [one.tag],
    summary: one.summary,
    ...(one.description === undefined ? {} : { description: one.description }),
    security: one.public ? [] : [{ token: [] }],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(one.body === undefined ? {} : {
      requestBody: {
        required: true,
        content: {
          "application/json": { schema: schemaOf(one.body, "input") },
        },
      },
    }),
    responses: {
      [one.status]: success(one),
      ...failures(one),
    },
  };
}

const IDEMPOTENCY_KEY: JsonObject = {
  name: "Idempotency-Key",
  in: "header",
  description: "Names this request, so that sending it again does it once",
  schema: { type: "string", minLength: 1, maxLength: 128 },
};

function parametersOf(
  shape: z.ZodObject | undefined,
  place: "path" | "query",
): JsonObject[] {
  return Object.entries(shape?.shape ?? {}).map(([name, field]) => {
    const { description, ...schema } = schemaOf(field as z.ZodType, "output");
    return {
      name,
      in: place,
      required: !z.safeParse(field as z.ZodType, undefined).success &&
        !isOptional(field),
      ...(description === undefined ? {} : { description }),
      schema,
    };
  });
}

/** A field that may be left out altogether: `exactOptional` refuses undefined and yet is not required. */
function isOptional(field: z.core.$ZodType): boolean {
  return field._zod.optin === "optional";
}

function success({ content }: Operation): JsonObject {
  const { description, mediaType, schema, headers } = content;
  return {
    description,
    ...(headers === undefined ? {} : {
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, meaning]) => [name, {
          description: meaning,
          schema: { type: "string" },
        }]),
      ),
    }),
    content: {
      [mediaType ?? "application/json"]: schema === undefined
        ? {}
        : { schema: schemaOf(schema, "output") },
    },
  };
}

/** One response for each status, naming the codes behind it. */
function failures(one: Operation): JsonObject {
  const codes = new Set([
    ...COMMON,
    ...(one.public ? [] : [...WITH_TOKEN, ...WITH_ACTOR]),
    ...(one.params ?? one.query ?? one.body ? WITH_FIELDS : []),
    ...(one.method === "get" ? [] : WITH_BODY),
    ...(one.refusals ?? []),
  ]);
  const byStatus: Record<string, string[]> = {};
  for (const code of codes) {
    const row = ERRORS[code] ?? rowOf({ code, kind: "internal" });
    (byStatus[statusOf(row)] ??= []).push(`${errorName(row)}: ${row.title}`);
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, meanings]) => [status, {
      description: meanings.sort().join(". "),
      content: {
        "application/problem+json": {
          schema: { $ref: "#/components/schemas/Problem" },
        },
      },
    }]),
  );
}

function schemaOf(
  schema: z.ZodType,
  io: "input" | "output",
): JsonObject {
  // 2020-12 is the dialect of OpenAPI 3.1, so it need not be named at every schema.
  const { $schema: _, ...plain } = z.toJSONSchema(schema, { io });
  return plain as JsonObject;
}
