/**
 * `verify`: check a proof offline. It reads the files it is given and nothing else: no network, no environment, and of
 * this project only `chain/`.
 *
 *     deno run --allow-read=. verify.ts --trust FILE PROOF [--chunk FILE [--key FILE]] [--out FILE]
 *
 * @module
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { SEALED_BYTES_MAX } from "./chain/leaf.ts";
import { JSON_BYTES_MAX } from "./chain/strict_json.ts";
import { verifyProof } from "./chain/verify.ts";
import { reportText } from "./chain/verify/report_text.ts";

const HELP =
  `Check that a piece of a recording existed unchanged when its block was made.

  verify --trust FILE PROOF [--chunk FILE [--key FILE]] [--out FILE]

  PROOF          the proof file
  --trust FILE   whom you trust; it must not come from whoever gave you the proof
  --chunk FILE   the sealed chunk, to check its bytes
  --key FILE     the chunk's key, 64 hex digits, to open it
  --out FILE     where the plain piece goes; else beside the chunk, as CHUNK.plain
  --help         this text

Exit codes: 0 VALID, 1 INVALID, 2 UNPINNED (no trust file), 3 wrong use, 4 INTERIM (the session was still running)
`;

const WRONG_USE = 3;

/** 64 digits and a line feed. */
const KEY_FILE_BYTES_MAX = 65;

/** Something that the person who called can put right. */
class UseError extends Error {}

/**
 * Run the command.
 *
 * @param args What follows its name.
 * @param print Takes lines for people, line feeds included.
 * @returns The exit code.
 */
export function verify(
  args: readonly string[],
  print: (text: string) => void,
): number {
  try {
    return run(args, print);
  } catch (error) {
    if (!(error instanceof UseError)) throw error;
    print(`${error.message}\nTry --help.\n`);
    return WRONG_USE;
  }
}

function run(args: readonly string[], print: (text: string) => void): number {
  const { values, positionals } = parse(args);
  if (values.help) {
    print(HELP);
    return 0;
  }
  const [proofPath] = positionals;
  if (proofPath === undefined || positionals.length > 1) {
    throw new UseError(
      `Cannot verify ${positionals.length} proofs: name exactly one`,
    );
  }
  if (values.key !== undefined && values.chunk === undefined) {
    throw new UseError(
      "Cannot use a key alone: name the chunk it opens with --chunk",
    );
  }
  if (values.out !== undefined && values.key === undefined) {
    throw new UseError(
      "Cannot write the plain piece: it takes --chunk and --key to have it",
    );
  }
  const report = verifyProof({
    proof: readFile(proofPath, JSON_BYTES_MAX),
    trust: values.trust === undefined
      ? undefined
      : readFile(values.trust, JSON_BYTES_MAX),
    chunk: values.chunk === undefined
      ? undefined
      : readFile(values.chunk, SEALED_BYTES_MAX),
    key: values.key === undefined ? undefined : readKey(values.key),
    nowMs: Date.now(),
  });
  print(reportText(report, { name: basename(proofPath), sayTime }));
  if (report.plain !== undefined) {
    print(
      keep(report.plain, { chunkPath: values.chunk!, outPath: values.out }),
    );
  }
  return report.exitCode;
}

function parse(args: readonly string[]) {
  const file = { type: "string" } as const;
  const options = {
    trust: file,
    chunk: file,
    key: file,
    out: file,
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UseError(
      `Cannot understand the command: ${(error as Error).message}`,
    );
  }
}

/** A file, refused by its size before it is read. */
function readFile(path: string, bytesMax: number): Uint8Array {
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) throw new UseError(`Cannot read ${path}: it is not a file`);
    if (size > bytesMax) {
      throw new UseError(
        `Cannot read ${path}: it has ${size} bytes, more than ${bytesMax}`,
      );
    }
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof UseError) throw error;
    throw new UseError(`Cannot read ${path}: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "there is no such file";
  if (error instanceof Deno.errors.NotCapable) {
    return "Deno was not given --allow-read for it";
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return "it may not be read";
  }
  return error instanceof Error ? error.message : String(error);
}

function readKey(path: string): Uint8Array {
  const text = new TextDecoder().decode(readFile(path, KEY_FILE_BYTES_MAX));
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new UseError(
      `Cannot read ${path}: a key file is 64 lower-case hex digits and a line feed`,
    );
  }
  return Uint8Array.fromHex(text.trimEnd());
}

/** Write the plain piece where that is allowed; with read permission alone, say that it was opened. */
function keep(
  plain: Uint8Array,
  { chunkPath, outPath }: {
    readonly chunkPath: string;
    readonly outPath: string | undefined;
  },
): string {
  const path = outPath ?? `${chunkPath}.plain`;
  try {
    Deno.writeFileSync(path, plain, {
      createNew: outPath === undefined,
      mode: 0o600,
    });
    return `Wrote the plain piece, ${plain.length} bytes, to ${path}\n`;
  } catch (error) {
    if (outPath !== undefined) {
      throw new UseError(`Cannot write ${path}: ${reason(error)}`);
    }
    const why = error instanceof Deno.errors.NotCapable
      ? "not written, as writing was not allowed"
      : error instanceof Deno.errors.AlreadyExists
      ? `not written, as ${path} is there already`
      : `not written: ${reason(error)}`;
    return `Decrypted ${plain.length} bytes (${why})\n`;
  }
}

/** ISO 8601; a number that no calendar holds stays a number. */
function sayTime(timeMs: number): string {
  const moment = new Date(timeMs);
  return Number.isNaN(moment.getTime()) ? `${timeMs} ms` : moment.toISOString();
}

if (import.meta.main) {
  const print = (text: string) => {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
  };
  Deno.exit(verify(Deno.args, print));
}
