/**
 * The gateway on a port.
 *
 * @module
 */
import { type Clock, LucidError } from "@lucid/runtime";
import type { Gateway } from "./app.ts";

/** What requests in hand may still take when the server stops; then their connections are cut. */
const STOP_WITHIN_MS = 800;

/** A server that runs. */
export interface Server {
  /** `http://127.0.0.1:8080` */
  readonly address: string;
  /** End streams, finish what is in hand for at most {@linkcode STOP_WITHIN_MS}, and let go of the port. */
  stop(): Promise<void>;
}

/**
 * Serve the gateway.
 *
 * @throws {LucidError} `gateway/port-taken`, `gateway/port-denied` or `gateway/address-unusable`, saying what to change.
 */
export function serve(
  gateway: Gateway,
  { hostname, port, clock }: {
    readonly hostname: string;
    readonly port: number;
    readonly clock: Clock;
  },
): Server {
  const cut = new AbortController();
  let inHand = 0;
  let idle = () => {};
  const left = () => {
    inHand -= 1;
    if (inHand === 0) idle();
  };
  const server = listen({ hostname, port, signal: cut.signal }, (
    request,
    { completed },
  ) => {
    inHand += 1;
    completed.then(left, left);
    return gateway.fetch(request);
  });
  const { addr } = server;
  const host = addr.hostname.includes(":")
    ? `[${addr.hostname}]`
    : addr.hostname;
  return {
    address: `http://${host}:${addr.port}`,
    async stop() {
      gateway.close();
      if (inHand > 0) {
        const { promise, resolve } = Promise.withResolvers<void>();
        idle = resolve;
        const callOff = clock.after(STOP_WITHIN_MS, resolve);
        await promise;
        callOff();
      }
      // Not shutdown(): that waits for whoever downloads slowly, and cannot be cut short once begun.
      cut.abort();
      await server.finished;
    },
  };
}

function listen(
  { hostname, port, signal }: {
    readonly hostname: string;
    readonly port: number;
    readonly signal: AbortSignal;
  },
  handle: Deno.ServeHandler<Deno.NetAddr>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(
      { hostname, port, signal, onListen: () => {} },
      handle,
    );
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new LucidError(
        "gateway/port-taken",
        "conflict",
        `Cannot serve on ${hostname}:${port}: another program listens there; stop it, or set LUCID_PORT to a free port`,
        { cause },
      );
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new LucidError(
        "gateway/port-denied",
        "denied",
        `Cannot serve on ${hostname}:${port}: this machine does not allow it; set LUCID_PORT to a port above 1023`,
        { cause },
      );
    }
    throw new LucidError(
      "gateway/address-unusable",
      "invalid",
      `Cannot serve on ${hostname}:${port}: ${
        (cause as Error).message
      }; set LUCID_HOST to an address of this machine`,
      { cause },
    );
  }
}
