/**
 * A free port of this machine's loopback.
 *
 * @module
 */

/** One that was free a moment ago: whoever takes it in between makes the start fail with a sentence. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
