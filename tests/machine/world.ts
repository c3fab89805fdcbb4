/**
 * What tests of the hands look at: a log that is read, and a process that waits to be ended.
 *
 * @module
 */
import type { Log } from "@lucid/runtime";
import { type DataFolder, openDataFolder } from "../../machine/data_folder.ts";
import { SILENT } from "../support/silent.ts";

/** A log, and the phrases that it was told with at least a warning. */
export function witness(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  const keep = (phrase: string): void => void said.push(phrase);
  return { log: { ...SILENT, warn: keep, error: keep }, said };
}

/** A process that does nothing for longer than any test, with this environment; started by the words `before`. */
export function startedSleep(
  env: Readonly<Record<string, string>>,
  before: readonly string[] = [],
): Deno.ChildProcess {
  const [program, ...args] = [...before, "sleep", "600"];
  return new Deno.Command(program!, { args, env, stdin: "null" }).spawn();
}

/** A data folder that is gone after the test. */
export async function withData(
  test: (data: DataFolder) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const data = openDataFolder(dir, {
    newId: () => "01JD00000000000000000000ND",
  });
  try {
    await test(data);
  } finally {
    data.close();
    await Deno.remove(dir, { recursive: true });
  }
}
