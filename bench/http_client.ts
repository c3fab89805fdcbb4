/**
 * A client for the HTTP figures, in a thread of its own: a few connections kept open, on each one request after the
 * other. Plain sockets, because a client that is slower than the server would be all that is measured.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { percentile } from "./measure.ts";

/** What to send, and how often. */
export interface Load {
  readonly port: number;
  readonly path: string;
  readonly token: string;
  readonly requests: number;
  readonly connections: number;
}

/** What came of it. */
export interface Answered {
  readonly [measure: string]: number;
  readonly perSecond: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** The largest answer there is, with room. */
const ANSWER_BYTES_MAX = 64 * 1024;

self.onmessage = async ({ data }: MessageEvent<Load>) => {
  self.postMessage(await send(data));
};

async function send(load: Load): Promise<Answered> {
  const { port, path, token, requests, connections } = load;
  const request = new TextEncoder().encode(
    `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${token}\r\n\r\n`,
  );
  const tookMs: number[] = [];
  let sent = 0;
  const lane = async (): Promise<void> => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay();
    const buffer = new Uint8Array(ANSWER_BYTES_MAX);
    while (sent < requests) {
      sent++;
      const began = performance.now();
      await connection.write(request);
      await readAnswer(connection, buffer);
      tookMs.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: connections }, lane));
  return {
    perSecond: 1_000 * requests / (performance.now() - began),
    p95Ms: percentile(tookMs, 0.95),
    p99Ms: percentile(tookMs, 0.99),
  };
}

const latin1 = new TextDecoder("latin1");

/** Read one answer, whole, and see that it is a good one. */
async function readAnswer(
  connection: Deno.Conn,
  buffer: Uint8Array,
): Promise<void> {
  let length = 0;
  let wanted = Infinity;
  while (length < wanted) {
    const read = await connection.read(buffer.subarray(length));
    if (read === null) throw new Error("Cannot read the answer: it ended");
    length += read;
    if (wanted < Infinity) continue;
    const text = latin1.decode(buffer.subarray(0, length));
    const head = text.indexOf("\r\n\r\n");
    if (head === -1) continue;
    const bytes = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
    if (!text.startsWith("HTTP/1.1 200 ") || bytes === undefined) {
      throw new Error(`Cannot use the answer: ${text.slice(0, 500)}`);
    }
    wanted = head + 4 + Number(bytes);
  }
}
