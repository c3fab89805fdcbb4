/**
 * The baseline of asks over NATS: the client library's own request and reply, 64 bytes each way, with the options
 * that make it fastest (no stack kept for each request, answers sent from a callback).
 *
 * @module
 */
import { connect } from "@nats-io/transport-node";

const SUBJECT = "bench.echo";
const PAYLOAD = new Uint8Array(64).fill(120);
const WITHIN_MS = 5_000;

/** Answer every request with its own bytes, for as long as the thread lives. */
export async function serveEcho(url: string): Promise<void> {
  const connection = await connect({ servers: url, noAsyncTraces: true });
  connection.subscribe(SUBJECT, {
    callback: (_, message) => void message.respond(message.data),
  });
  await connection.flush();
}

/** Connect as the one who asks. */
export async function openRequester(url: string) {
  const connection = await connect({ servers: url, noAsyncTraces: true });
  return {
    /** Ask once. */
    request: () => connection.request(SUBJECT, PAYLOAD, { timeout: WITHIN_MS }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}
