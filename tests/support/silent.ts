/**
 * A log that nobody reads.
 *
 * @module
 */
import type { Log } from "@lucid/runtime";

/** Takes every line and keeps none. */
export const SILENT: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => SILENT,
};
