/**
 * A folder for the files of one chapter, gone at the end of the block.
 *
 * @module
 */

/** Make one: `await using folder = await temporaryFolder()`. */
export async function temporaryFolder(): Promise<
  AsyncDisposable & { readonly path: string }
> {
  const path = await Deno.makeTempDir({ prefix: "lucid-bench-" });
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
