/**
 * Configuration, read once: a schema over the variables a process may see.
 *
 * @module
 */
import { LucidError } from "./errors.ts";
import { parse, type Schema } from "./schema.ts";

/**
 * Read a process's configuration, or name everything that is wrong with it at once.
 *
 * @param schema What the process understands.
 * @param env The variables it may read, and no others.
 * @returns The configuration as the schema lets it through.
 * @throws {LucidError} `config/invalid` with a line for each problem; `details.issues` has them apart.
 */
export function readConfig<T>(
  schema: Schema<T>,
  env: Readonly<Record<string, string | undefined>>,
): T {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined),
  );
  try {
    return parse(schema, given, "the configuration");
  } catch (error) {
    if (!(error instanceof LucidError) || error.code !== "request/invalid") {
      throw error;
    }
    const issues = error.details["issues"] as {
      readonly path: string;
      readonly message: string;
    }[];
    const problems = issues.map(({ path, message }) =>
      path === "" ? message : `${path}: ${message}`
    );
    throw new LucidError(
      "config/invalid",
      "invalid",
      `Cannot read the configuration: ${problems.join("; ")}`,
      { details: { issues } },
    );
  }
}
