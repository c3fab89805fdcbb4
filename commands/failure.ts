/**
 * What went wrong, as one sentence for the person who called. Stacks are for the log.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";

/**
 * The sentence for an error of any kind.
 *
 * @param name The subcommand that met it.
 * @param error Whatever was thrown: one of ours says itself what was attempted.
 */
export function sentenceOf(name: string, error: unknown): string {
  if (error instanceof LucidError) return error.message;
  const { message, code } = error instanceof Error
    ? error as Error & { readonly code?: unknown }
    : { message: String(error), code: undefined };
  const because = typeof code === "string" && code.startsWith("ERR_PARSE_ARGS")
    // What node:util says behind its first sentence is advice that does not fit our options.
    ? `${message.split(". ", 1)[0]}; see lucid ${name} --help`
    : message.replaceAll(/\s*\n\s*/g, " ");
  return `Cannot run lucid ${name}: ${because}`;
}
