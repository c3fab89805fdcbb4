/**
 * Words for the person at the terminal.
 *
 * @module
 */

/** Write to standard output. */
export function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

/** Write to standard error, where the log goes as well. */
export function printError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

/** A count and what is counted: `1 chunk`, `2 chunks`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Bytes as people read them: `12.5 MiB`. */
export function readableBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
