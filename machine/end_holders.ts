/**
 * The end of what a child started and left behind: a process inherits the environment of the one that
 * started it, however far it goes away from it, so it is found by that.
 *
 * @module
 */
import { SEARCH_PATH } from "./programs.ts";

/** What is started while the others are ended is found by the next look; who outruns this many is too quick for us. */
const LOOKS_MAX = 10;

/** `$0` is the text, `$1` how many looks are left. A process that was killed may be seen for another moment. */
const SCRIPT = `
while holders=$(grep -lszF -- "$0" /proc/[0-9]*/environ | cut -d/ -f3) && [ -n "$holders" ]; do
  [ "$1" -gt 0 ] || { echo $holders >&2; exit 1; }
  kill -KILL $holders 2>/dev/null
  set -- $(($1 - 1))
  sleep 0.01
done`;

/**
 * SIGKILL to every process whose environment holds a text, such as `DISPLAY=:107`. One that cleared its
 * environment is not found, nor is one that became another user's.
 *
 * @throws {Error} If some are still there, naming them.
 */
export async function endHolders(text: string): Promise<void> {
  // By way of setpriv and sh: Deno opens /proc, and signals strangers, with all permissions only.
  const { success, stderr } = await new Deno.Command("setpriv", {
    args: ["--", "sh", "-c", SCRIPT, text, String(LOOKS_MAX)],
    clearEnv: true,
    env: { PATH: SEARCH_PATH },
    stdout: "null",
  }).output();
  if (success) return;
  const pids = new TextDecoder().decode(stderr).trim();
  throw new Error(`Cannot end all that holds ${text}: ${pids} are still there`);
}
