/**
 * Bodies: read up to a limit, within a time, as strict UTF-8 and JSON.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import type { Arrival } from "./operation.ts";

/** How long a body may take to come: 16 MiB at 5 Mbit/s. */
const BODY_WITHIN_MS = 30_000;

const JSON_TYPE = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

/**
 * The JSON value that a request carries; `{}` where it carries nothing and nothing is required.
 *
 * @throws {LucidError} `request/media-type`, `request/too-large`, `request/slow`, `request/json`.
 */
export async function readBody(
  { request, after }: Pick<Arrival, "request" | "after">,
  bytesMax: number,
  { required }: { readonly required: boolean },
): Promise<unknown> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) {
    // Not one byte of it is read; what is on its way is thrown away with the connection.
    await request.body?.cancel();
    throw tooLarge(bytesMax);
  }
  const bytes = await collect(request.body, bytesMax, after);
  if (bytes.length === 0 && !required) return {};
  const type = request.headers.get("content-type") ?? "";
  if (!JSON_TYPE.test(type)) {
    throw new LucidError(
      "request/media-type",
      "invalid",
      `Cannot read the body: it is ${
        type === "" ? "of no type" : type.slice(0, 64)
      }, and application/json is understood`,
    );
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const because = cause instanceof SyntaxError
      ? cause.message.slice(0, 200)
      : "it is not UTF-8";
    throw new LucidError(
      "request/json",
      "invalid",
      `Cannot read the body: ${because}`,
      { cause },
    );
  }
}

async function collect(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
  after: Arrival["after"],
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array(0);
  const reader = body.getReader();
  let late = false;
  const callOff = after(BODY_WITHIN_MS, () => {
    late = true;
    void reader.cancel();
  });
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw slow();
      if (done) break;
      length += value.length;
      if (length > bytesMax) {
        await reader.cancel();
        throw tooLarge(bytesMax);
      }
      parts.push(value);
    }
  } finally {
    callOff();
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tooLarge(bytesMax: number): LucidError {
  return new LucidError(
    "request/too-large",
    "invalid",
    `Cannot read the body: it is over ${bytesMax} bytes`,
  );
}

function slow(): LucidError {
  return new LucidError(
    "request/slow",
    "invalid",
    `Cannot read the body: it took over ${BODY_WITHIN_MS} ms to come`,
  );
}
