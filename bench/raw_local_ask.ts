/**
 * The baseline of local asks: what no ask between objects can do without, a look-up by name, a function, a promise.
 *
 * @module
 */

/** Keepers of one text each, by name. */
const keepers = new Map([["note/a", { text: "" }]]);

const commands = new Map([[
  "read",
  (keeper: { readonly text: string }) => ({ text: keeper.text }),
]]);

/** Ask one. */
export function rawAsk(address: string, command: string): Promise<unknown> {
  return new Promise((resolve) =>
    resolve(commands.get(command)!(keepers.get(address)!))
  );
}
