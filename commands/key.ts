/**
 * `lucid key export FILE`: a copy of the master key for a safe place.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { LucidError } from "@lucid/runtime";
import type { Environment } from "./environment.ts";
import { readIfThere } from "../machine/data_folder.ts";
import { print } from "./print.ts";

const HELP = `lucid key export FILE

Copies the master key of the data folder (LUCID_DATA, default ./data) to FILE, mode 0600.
Every session's key is wrapped by it: whoever loses it loses every recording, and whoever
has it and the data folder can read them all. Keep the copy apart from the machine.

The way back: stop Lucid, copy FILE to keys/master.key in the data folder (mode 0600), start Lucid.
`;

/** Run the command; resolves to its exit code. */
export function run(
  args: string[],
  environment: Environment,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: "boolean" } },
  });
  const [verb, target] = positionals;
  if (values.help || verb !== "export" || target === undefined) {
    print(HELP);
    return Promise.resolve(values.help ? 0 : 2);
  }
  const path = join(environment.LUCID_DATA, "keys", "master.key");
  const key = readIfThere(path);
  if (key === undefined) {
    throw new LucidError(
      "keys/missing",
      "missing",
      `Cannot export the master key: there is none at ${path}; start lucid up once, or set LUCID_DATA`,
    );
  }
  try {
    Deno.writeFileSync(target, key, { mode: 0o600, createNew: true });
  } catch (cause) {
    throw new LucidError(
      "keys/unwritable",
      "conflict",
      `Cannot export the master key to ${target}: ${
        cause instanceof Deno.errors.AlreadyExists
          ? "something is there already"
          : (cause as Error).message
      }`,
      { cause },
    );
  }
  print(
    `The master key is in ${target}. Keep it apart from this machine: it opens every recording made here.\n`,
  );
  return Promise.resolve(0);
}
