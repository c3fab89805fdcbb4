/**
 * The door: what a caller wrote meets a schema here, once, and each thing that is wrong with it is named.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { z } from "zod";

/** Faults that one answer names: enough to mend a form by, small whatever was sent. */
const ISSUES_MAX = 20;

const NOTHING = z.strictObject({});

/** A whole number written in decimal, as paths and queries have it. */
export function decimal(number: z.ZodNumber) {
  return z.string().regex(/^(?:0|[1-9]\d{0,15})$/, "is not a whole number")
    .transform(Number).pipe(number);
}

/**
 * Let a value through, or say what is wrong with it.
 *
 * @param schema A strict object; nothing may be given where it is absent.
 * @param value Anything.
 * @param what For the message: "the body".
 * @throws {LucidError} `request/missing-field`, `request/format`, `request/range` or `request/invalid`, after the first fault.
 */
export function check(
  schema: z.ZodObject | undefined,
  value: unknown,
  what: string,
): Record<string, unknown> {
  const result = (schema ?? NOTHING).safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const { issues } = result.error;
  const named = issues.slice(0, ISSUES_MAX).map((issue) => ({
    path: issue.path.map(String).join("."),
    message: wordsOf(issue),
  }));
  const first = named[0]!;
  const place = first.path === "" ? "" : `${first.path} `;
  throw new LucidError(
    codeOf(issues[0]!),
    "invalid",
    `Cannot read ${what}: ${place}${first.message}`,
    { details: { issues: named } },
  );
}

function codeOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "request/missing-field"
        : "request/invalid";
    case "invalid_format":
      return "request/format";
    case "too_big":
    case "too_small":
      return "request/range";
    default:
      return "request/invalid";
  }
}

/** Names in a message: a caller's field may be a megabyte long. */
const NAME_LENGTH_MAX = 64;

function wordsOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "is missing"
        : `is not ${article(issue.expected)}`;
    case "unrecognized_keys":
      return `has fields that are not known: ${
        issue.keys.slice(0, 5).map((key) => key.slice(0, NAME_LENGTH_MAX))
          .join(", ")
      }`;
    case "too_big":
      return `is more than ${issue.maximum}${unit(issue.origin)}`;
    case "too_small":
      return `is less than ${issue.minimum}${unit(issue.origin)}`;
    case "invalid_value":
      return `is not ${issue.values.map(String).join(" or ")}`;
    case "invalid_union":
      return "is none of the kinds there are";
    case "invalid_format":
      // A schema may say in its own words what it wants; the library's begin like this.
      if (!issue.message.startsWith("Invalid")) return issue.message;
      return issue.format === "regex" && issue.pattern !== undefined
        ? `does not match ${issue.pattern}`
        : `is not ${article(issue.format)}`;
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " items" : "";
}

function article(name: string): string {
  if (name === "int" || name === "safeint") return "a whole number";
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}
