/**
 * Where an OpenAPI document keeps its schemas.
 *
 * @module
 */

/** Keys of a responses object. */
export const STATUS_CODE_PATTERN = /^[1-5]\d\d$/;

// deno-lint-ignore no-explicit-any -- a document as a stranger reads it
type Any = any;

/** Every schema of a document, those inside others too, with the way to it. */
export function schemasIn(
  document: Any,
): { readonly path: string; readonly schema: Any }[] {
  const found: { path: string; schema: Any }[] = [];
  const inner = (path: string, schema: Any): void => {
    found.push({ path, schema });
    for (const [name, one] of Object.entries(schema.properties ?? {})) {
      inner(`${path}.${name}`, one);
    }
    for (const key of ["oneOf", "anyOf", "allOf"]) {
      (schema[key] ?? []).forEach((one: Any, at: number) =>
        inner(`${path}.${key}${at}`, one)
      );
    }
    if (schema.items) inner(`${path}[]`, schema.items);
  };
  const walk = (path: string, value: Any): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, one] of Object.entries<Any>(value)) {
      if (key === "schema") inner(`${path}.schema`, one);
      else walk(`${path}.${key}`, one);
    }
  };
  walk("paths", document.paths);
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    inner(name, schema);
  }
  return found;
}
