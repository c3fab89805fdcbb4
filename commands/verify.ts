/**
 * `lucid verify`: the offline verifier under the command's roof. What it reaches is `chain/` alone; as an entry of
 * its own, with read access and nothing else, it is `verify.ts`.
 *
 * @module
 */
import { verify } from "../verify.ts";
import { print } from "./print.ts";

/** Run the command; resolves to its exit code. */
export function run(args: string[]): Promise<number> {
  return Promise.resolve(verify(args, print));
}
