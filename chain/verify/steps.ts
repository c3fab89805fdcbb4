/**
 * The steps of a verification: each holds or does not, and says so in a sentence; the first that does not is the end.
 *
 * @module
 */
import { FormatError } from "../error.ts";

/** The steps, in the order in which they are listed. */
export type StepName =
  | "proof"
  | "trust"
  | "leaf"
  | "session-path"
  | "anchor"
  | "anchor-signature"
  | "anchor-path"
  | "dated"
  | "certificate"
  | "handover"
  | "grid"
  | "chunk"
  | "segments"
  | "key"
  | "decrypt"
  | "decode";

/** One thing that was checked. */
export interface Step {
  readonly name: StepName;
  readonly holds: boolean;
  /** What holds, or why it does not. */
  readonly sentence: string;
}

/** What a check found, and the sentence that says that it holds. A check that does not hold throws a FormatError. */
export type Verdict<Found> = readonly [Found, string];

/** Thrown where a step does not hold; it is the last of {@linkcode Steps.taken}. */
export class StepFailed extends Error {}

/** The steps taken so far. */
export class Steps {
  readonly taken: Step[] = [];

  /** Take one step. */
  take<Found>(name: StepName, check: () => Verdict<Found>): Found {
    try {
      const [found, sentence] = check();
      this.taken.push({ name, holds: true, sentence });
      return found;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.taken.push({ name, holds: false, sentence: error.message });
      throw new StepFailed(name);
    }
  }
}

/** The first 16 hex digits: enough for a person to compare. */
export function short(bytes: Uint8Array): string {
  return bytes.toHex().slice(0, 16);
}
