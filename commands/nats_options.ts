/**
 * A NATS address with a user and password in it, taken apart.
 *
 * @module
 */
import { Secret } from "@lucid/runtime";

/** `nats://user:password@host:port` as the bus driver takes it. */
export function natsOptions(address: string) {
  const { protocol, host, username, password } = new URL(address);
  return {
    url: `${protocol}//${host}`,
    ...(username === "" ? {} : { user: decodeURIComponent(username) }),
    ...(password === ""
      ? {}
      : { password: new Secret(decodeURIComponent(password)) }),
  };
}
