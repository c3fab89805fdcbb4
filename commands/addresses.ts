/**
 * Under which names a gateway is reached that listens on `LUCID_HOST`.
 *
 * @module
 */

/** Who listens on all addresses of a machine is reached on its loopback as well. */
const LOOPBACK: Readonly<Record<string, string>> = {
  "0.0.0.0": "127.0.0.1",
  "[::]": "[::1]",
};

/** What a request may name as its host: loopback, and where the gateway listens; each with its port. */
export function hostsOf(
  { hostname, port }: { readonly hostname: string; readonly port: number },
): string[] {
  const own = hostname.includes(":") ? `[${hostname}]` : hostname;
  return ["127.0.0.1", "localhost", "[::1]", own].map((name) =>
    `${name}:${port}`
  );
}

/** The address for clients on this machine of a gateway that listens on `address`. */
export function localAddress(address: string): string {
  const { hostname, port } = new URL(address);
  return `http://${LOOPBACK[hostname] ?? hostname}:${port || 80}`;
}
