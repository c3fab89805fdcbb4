/**
 * `lucid verify`: the offline verifier under the command's roof. What it reaches is `chain/` alone; as an entry of
 * its own, with read access and nothing else, it is `verify.ts`.
 *
 * @module
 */
export { run } from "../verify.ts";
