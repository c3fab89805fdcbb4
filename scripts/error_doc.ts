/**
 * Writes `docs/errors.md` from the gateway's table of errors: `deno run --allow-write=docs scripts/error_doc.ts`.
 *
 * @module
 */
import { errorName, ERRORS, statusOf } from "../gateway/errors.ts";

/** The page, as it must stand in the repository: `deno fmt` leaves it as it is. */
export function errorPage(): string {
  const rows = Object.entries(ERRORS)
    .sort(([, one], [, other]) => one.number - other.number)
    .map(([code, row]) => [
      `\`${errorName(row)}\``,
      String(statusOf(row)),
      row.title,
      `\`${code}\``,
    ]);
  return `# Errors

<!-- Made by scripts/error_doc.ts from gateway/errors.ts: change that table, not this page. -->

Every answer from 400 up is a problem document (RFC 9457,
\`application/problem+json\`): \`type\`, \`title\`, \`status\`, \`detail\` (what was
attempted, and what is so), \`code\`, \`request_id\`, and \`errors\` where several
fields are wrong. A code never changes its meaning. With 429 and 503 comes
\`Retry-After\`, in seconds.

A failure without a row of its own answers with the status of its kind, and one
of 1001, 2004, 3003, 4001, 4007, 5001 and 5010.

${table(["Code", "Status", "Meaning", "Inside"], rows)}
`;
}

/** A Markdown table whose columns line up. */
function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width)))]
    .concat(rows.map(line)).join("\n");
}

if (import.meta.main) {
  await Deno.writeTextFile(
    new URL("../docs/errors.md", import.meta.url),
    errorPage(),
  );
}
