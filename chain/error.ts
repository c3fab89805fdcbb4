/**
 * What every reader of this folder throws: bytes that are not what they claim to be. The message says what was
 * attempted and what is so; whoever stands at the door (a verifier, the machine, the gateway) gives it its own shape.
 *
 * @module
 */

/** Bytes, or a value about to become bytes, that break a rule of the chain's formats. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}

/**
 * Refuse unless a rule holds.
 *
 * @param holds The rule, evaluated.
 * @param message "Cannot read a leaf: its codec is 7".
 * @throws {FormatError} With that message.
 */
export function require(holds: boolean, message: string): asserts holds {
  if (!holds) throw new FormatError(message);
}
