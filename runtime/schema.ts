/**
 * The slice of Standard Schema v1 that the runtime relies on, so that it does not care which
 * library wrote a schema.
 *
 * Source: https://standardschema.dev
 *
 * @module
 */
import { LucidError } from "./errors.ts";

/** Something that can tell whether a value is a `T`. */
export interface Schema<T> {
  /** Where Standard Schema keeps its one method and the types it carries. */
  readonly "~standard": {
    /** Version of the standard. */
    readonly version: 1;
    /** Library that wrote the schema. */
    readonly vendor: string;
    /** Tell whether `value` is a `T`, and why not. */
    readonly validate: (
      value: unknown,
    ) => SchemaResult<T> | Promise<SchemaResult<T>>;
    /** Types only; absent at run time. */
    readonly types?:
      | { readonly input: unknown; readonly output: T }
      | undefined;
  };
}

/** What validation found: a value, or the reasons why there is none. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value. */
export interface SchemaIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where, from the outside in. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/** The type that a schema lets through. */
export type Output<S> = S extends Schema<infer T> ? T : never;

/**
 * Let `value` through, or say what is wrong with it.
 *
 * @param schema A synchronous schema.
 * @param value Anything.
 * @param what What is being read, for the message: `input of session.start`.
 * @returns The value as the schema lets it through.
 * @throws {LucidError} `request/invalid` when it does not fit; `details.issues` says where.
 */
export function parse<T>(schema: Schema<T>, value: unknown, what: string): T {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    throw new LucidError(
      "schema/asynchronous",
      "internal",
      `Cannot read ${what}: its schema is asynchronous`,
    );
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map((issue) => ({
    path: (issue.path ?? []).map((step) =>
      String(typeof step === "object" ? step.key : step)
    ).join("."),
    message: issue.message,
  }));
  const first = issues[0];
  throw new LucidError(
    "request/invalid",
    "invalid",
    `Cannot read ${what}: ${first?.path ? `${first.path}: ` : ""}${
      first?.message ?? "it does not fit"
    }`,
    { details: { issues } },
  );
}
