import assert from "node:assert/strict";
import { hostsOf, localAddress } from "../../commands/addresses.ts";

Deno.test("addresses: whoever listens everywhere is reached on loopback, others where they listen", () => {
  const cases: [listensOn: string, reachedAt: string][] = [
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://0.0.0.0:8080", "http://127.0.0.1:8080"],
    ["http://0.0.0.0:80", "http://127.0.0.1:80"],
    ["http://[::]:8080", "http://[::1]:8080"],
    ["http://[fd00::1]:8080", "http://[fd00::1]:8080"],
    ["http://10.0.0.7:8080", "http://10.0.0.7:8080"],
  ];
  for (const [listensOn, reachedAt] of cases) {
    assert.equal(localAddress(listensOn), reachedAt);
  }
});

Deno.test("addresses: a request may name loopback and where the gateway listens", () => {
  const last = (hostname: string) => hostsOf({ hostname, port: 8080 }).at(-1);
  assert.deepEqual(hostsOf({ hostname: "10.0.0.7", port: 80 }), [
    ...["127.0.0.1:80", "localhost:80", "[::1]:80", "10.0.0.7:80"],
  ]);
  assert.equal(last("fd00::1"), "[fd00::1]:8080");
  assert.equal(last("0.0.0.0"), "0.0.0.0:8080");
});
