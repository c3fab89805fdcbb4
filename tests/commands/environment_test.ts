import assert from "node:assert/strict";
import { readConfig } from "@lucid/runtime";
import { Environment } from "../../commands/environment.ts";
import { natsOptions } from "../../commands/nats_options.ts";

Deno.test("environment: hosts, bus addresses and limits are checked, naming what is wrong", () => {
  const cases: [env: Record<string, string>, message: RegExp][] = [
    [{ LUCID_ALLOWED_HOSTS: "a.b, c d" }, /"c d" is not a host, or a host/],
    [{ LUCID_ALLOWED_HOSTS: "a.b/path" }, /"a\.b\/path" is not a host/],
    [{ LUCID_ALLOWED_HOSTS: "me@a.b" }, /"me@a\.b" is not a host/],
    [{ LUCID_ALLOWED_HOSTS: "a.b:99999" }, /"a\.b:99999" is not a host/],
    [{ LUCID_NATS_URL: "natsfoo://a" }, /LUCID_NATS_URL: /],
    [{ LUCID_NATS_URL: "xtls://a" }, /LUCID_NATS_URL: /],
    [{ LUCID_FREE_MIB_MIN: "1073741825" }, /LUCID_FREE_MIB_MIN: /],
    [{ LUCID_FREE_MIB_MIN: "9".repeat(400) }, /LUCID_FREE_MIB_MIN: /],
  ];
  for (const [env, message] of cases) {
    assert.throws(() => readConfig(Environment, env), {
      code: "config/invalid",
      message,
    });
  }
  const { LUCID_ALLOWED_HOSTS: hosts } = readConfig(Environment, {
    LUCID_ALLOWED_HOSTS: "Lucid.example, lucid.example:80, [::1]:8080,",
    LUCID_NATS_URL: "tls://user:pass@bus.example:4222",
  });
  assert.deepEqual(hosts, ["Lucid.example", "lucid.example:80", "[::1]:8080"]);
});

Deno.test("a bus address gives its user and password as they were before they stood in a URL", () => {
  const { url, user, password } = natsOptions("nats://me:p%40ss@a:1");
  assert.deepEqual([url, user, password?.reveal()], [
    "nats://a:1",
    "me",
    "p@ss",
  ]);
});
