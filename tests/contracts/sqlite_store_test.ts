import assert from "node:assert/strict";
import { openSqliteStore } from "@lucid/runtime/stores/sqlite";
import { testStore } from "./store.ts";

testStore({
  name: "sqlite",
  async prepare() {
    const folder = await Deno.makeTempDir();
    return {
      open: () => openSqliteStore({ path: `${folder}/lucid.db` }),
      remove: () => Deno.remove(folder, { recursive: true }),
    };
  },
});

Deno.test("sqlite store: a file that is no database is refused with a sentence", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/lucid.db`;
  await Deno.writeTextFile(path, "hello ".repeat(1000));
  await assert.rejects(
    openSqliteStore({ path }),
    /^LucidError: Cannot open .*lucid\.db: Cannot use the store: file is not a database/,
  );
  await assert.rejects(openSqliteStore({ path: `${folder}/none/lucid.db` }), {
    code: "store/unavailable",
  });
  await Deno.remove(folder, { recursive: true });
});
