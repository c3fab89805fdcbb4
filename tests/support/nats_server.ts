/**
 * A real nats-server for one test: on a free loopback port, ended by whoever started it.
 *
 * @module
 */
/** Characters of its log that are looked through: its greeting has about 1,500. */
const SAID_MAX = 16_384;

/** A running server. */
export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** End it (SIGTERM unless told otherwise) and wait until it is gone. */
  end(signal?: Deno.Signal): Promise<void>;
}

/**
 * Start nats-server.
 *
 * @param port A port to take again; any free one when absent.
 */
export async function startNatsServer(port = -1): Promise<NatsServer> {
  const child = new Deno.Command("nats-server", {
    args: ["--addr", "127.0.0.1", "--port", String(port)],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const ready = Promise.withResolvers<number>();
  const drained = (async () => {
    let said = "";
    for await (
      const text of child.stderr.pipeThrough(new TextDecoderStream())
    ) {
      said = (said + text).slice(-SAID_MAX);
      const listening = /Listening for client connections on 127\.0\.0\.1:(\d+)/
        .exec(said);
      if (listening && said.includes("Server is ready")) {
        ready.resolve(Number(listening[1]));
      }
    }
    ready.reject(new Error("nats-server ended before it was ready"));
  })();
  const taken = await ready.promise;
  return {
    url: `nats://127.0.0.1:${taken}`,
    port: taken,
    pid: child.pid,
    async end(signal = "SIGTERM") {
      child.kill(signal);
      await child.status;
      await drained;
    },
  };
}
