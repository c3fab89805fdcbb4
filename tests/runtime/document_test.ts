import assert from "node:assert/strict";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { settled, TEST_EPOCH_MS } from "@lucid/runtime/testing";
import { bound, Ledger, testHost } from "./sample.ts";

const GOLDEN = new URL("../golden/runtime/document.json", import.meta.url);

Deno.test("document bytes are those of the golden file", async () => {
  const memory = new Map();
  const store = openMemoryStore(memory);
  // Rows and deliveries are held up, so that the document shows what it carries.
  const held = {
    ...bound(store),
    insertRows: () => new Promise<never>(() => {}),
  };
  const { host, clock } = testHost({
    store: held,
    effects: { "ledger.fetch": () => new Promise(() => {}) },
  });
  const at_ms = TEST_EPOCH_MS + 60_000;
  await host.ask(Ledger, "ledger/a", "hear", { word: "hello" }, {
    op: "greet-1",
  });
  await host.ask(
    Ledger,
    "ledger/b",
    "pass",
    { to: ["ledger/a"], word: "told" },
    { op: "pass-1" },
  );
  await settled();
  await host.ask(Ledger, "ledger/a", "later", { at_ms, word: "later" });
  await host.ask(Ledger, "ledger/a", "work", { key: "k1" });
  await host.ask(Ledger, "ledger/a", "pass", {
    to: ["till/away/t"],
    word: "far",
  });
  void host.request("ledger/a", "add", { by: 5 }, { op: "add-1" });
  await settled();
  const stored = JSON.parse(memory.get("ledgers").get("a"));
  const text = JSON.stringify(stored, null, 2) + "\n";
  if (Deno.env.has("GOLDEN_WRITE")) await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
  const drained = host.drain();
  await clock.advance(2_000);
  await drained;
});
