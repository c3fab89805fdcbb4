/**
 * The version of this software, as manifests, `/health` and the API document name it.
 *
 * @module
 */

/** https://semver.org */
export const VERSION = "0.1.0";
