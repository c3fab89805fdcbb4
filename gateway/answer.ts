/**
 * Answers that operations give, and what the API document says of them.
 *
 * @module
 */
import type { z } from "zod";
import type { Content } from "./operation.ts";

/** A JSON document. */
export function json(
  document: unknown,
  { status = 200, headers = {} }: {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Response {
  return Response.json(document, { status, headers });
}

/** Says of an answer that it is a JSON document of this shape. */
export function jsonContent(schema: z.ZodType, description: string): Content {
  return { description, schema };
}

/** Bytes or text to be saved under a name. */
export function file(
  body: BodyInit,
  { name, mediaType, headers = {} }: {
    readonly name: string;
    readonly mediaType: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Response {
  return new Response(body, {
    headers: {
      ...headers,
      "content-type": mediaType,
      "content-disposition": `attachment; filename="${name}"`,
    },
  });
}
