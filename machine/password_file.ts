/**
 * The password of somebody else's VNC server, from a file.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";

/** A password and its line feed; VncAuth reads 8 characters of it. */
const FILE_BYTES_MAX = 4_096;

/**
 * Read a password.
 *
 * @returns The first line.
 * @throws {LucidError} `capture/no-password` where there is no small regular file that can be read.
 */
export function readPassword(path: string): string {
  try {
    const { isFile, size } = Deno.statSync(path);
    // Files of /proc say that they are empty, and some of them never end.
    if (!isFile || size === 0 || size > FILE_BYTES_MAX) {
      throw new Error(`it is no file of 1 to ${FILE_BYTES_MAX} bytes`);
    }
    return Deno.readTextFileSync(path).split("\n", 1)[0]!.trimEnd();
  } catch (cause) {
    throw new LucidError(
      "capture/no-password",
      "unavailable",
      `Cannot open the screen: its password file ${path} cannot be used: ${
        (cause as Error).message
      }`,
      { cause },
    );
  }
}
