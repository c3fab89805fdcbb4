/**
 * Bring the programs that Lucid starts onto this machine, or say which are missing and stop. It
 * stands before `demo` and `test`, so that nothing begins which could not end.
 *
 * @module
 */
import { installPrograms, SEARCH_PATH } from "../machine/programs.ts";

const say = (line: string): void =>
  void Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));

try {
  await installPrograms(SEARCH_PATH, say);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  Deno.exit(1);
}
