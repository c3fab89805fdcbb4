/**
 * `lucid doctor`: what this machine lacks to run Lucid, each with what to do about it.
 *
 * @module
 */
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { holderOf, readIfThere } from "../machine/data_folder.ts";
import { freeBytes } from "../machine/disk.ts";
import {
  howToInstall,
  missingPrograms,
  PROGRAMS,
  SEARCH_PATH,
} from "../machine/programs.ts";
import type { Environment } from "./environment.ts";
import { print, readableBytes } from "./print.ts";

const HELP = `lucid doctor

Looks at this machine and says what is missing for lucid up: programs, a data folder that can be written, keys that
this user alone can read, room on the disk, a free port. Exits with 0 when nothing is.
`;

/** Any bit for anybody but the owner. */
const OTHERS = 0o077;

/** Run the command; resolves to its exit code. */
export async function run(
  args: string[],
  environment: Environment,
): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { help: { type: "boolean" } },
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const folder = resolve(environment.LUCID_DATA);
  const checks: Readonly<Record<string, () => string | Promise<string>>> = {
    programs,
    "data folder": () => dataFolder(folder),
    keys: () => keys(join(folder, "keys")),
    disk: () => disk(folder, environment),
    address: () => address(folder, environment),
  };
  let lacks = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      print(`  ok    ${name}: ${await check()}\n`);
    } catch (error) {
      lacks += 1;
      print(`  LACKS ${name}: ${(error as Error).message}\n`);
    }
  }
  print(
    lacks === 0
      ? "Nothing is missing.\n"
      : `${lacks} of ${Object.keys(checks).length} things need you.\n`,
  );
  return lacks === 0 ? 0 : 1;
}

// Each check returns what is so, or throws what is not, with what to do.

async function programs(): Promise<string> {
  const missing = await missingPrograms(SEARCH_PATH);
  if (missing.length > 0) throw new Error(`\n${howToInstall(missing)}`);
  return Object.keys(PROGRAMS).join(", ");
}

function dataFolder(path: string): string {
  const holder = holderOf(path);
  if (holder !== undefined) return `${path}, and ${holder} runs on it`;
  const place = thereOrAbove(path);
  try {
    Deno.removeSync(Deno.makeTempFileSync({ dir: place }));
  } catch (error) {
    throw new Error(
      `${(error as Error).message}; make it writable, or set LUCID_DATA`,
    );
  }
  return place === path ? path : `${path} will be made in ${place}`;
}

function keys(folder: string): string {
  if (thereOrAbove(folder) !== folder) return "made at the first start";
  const paths = Array.from(Deno.readDirSync(folder))
    .filter(({ isFile }) => isFile).map(({ name }) => join(folder, name));
  for (const path of paths) {
    try {
      Deno.openSync(path).close();
    } catch (error) {
      throw new Error(
        `${(error as Error).message}; make it readable for this user`,
      );
    }
  }
  const open = paths.filter((path) =>
    ((Deno.statSync(path).mode ?? 0) & OTHERS) !== 0
  );
  if (open.length > 0) {
    throw new Error(`others can use them; chmod 600 ${open.join(" ")}`);
  }
  return `${folder}, for this user alone`;
}

function disk(folder: string, { LUCID_FREE_MIB_MIN }: Environment): string {
  const free = freeBytes(thereOrAbove(folder));
  const floor = LUCID_FREE_MIB_MIN * 2 ** 20;
  const what = `${readableBytes(free)} free, ${
    readableBytes(floor)
  } must stay so`;
  if (free >= floor) return what;
  throw new Error(`${what}; free some, or lower LUCID_FREE_MIB_MIN`);
}

function address(
  folder: string,
  { LUCID_HOST: hostname, LUCID_PORT: port }: Environment,
): string {
  const where = `${hostname}:${port}`;
  try {
    Deno.listen({ hostname, port }).close();
    return `${where} is free`;
  } catch (error) {
    if (
      holderOf(folder) !== undefined && ownAddress(folder).endsWith(`:${port}`)
    ) {
      return `${where} is where that Lucid listens`;
    }
    throw new Error(
      `${where}: ${
        (error as Error).message
      }; set LUCID_HOST or LUCID_PORT to another`,
    );
  }
}

/** Where the Lucid that runs on a data folder listens; empty where it does not yet. */
function ownAddress(folder: string): string {
  return new TextDecoder().decode(readIfThere(join(folder, "lucid.url")))
    .trim();
}

/** A path, or the nearest folder above it that is there. */
function thereOrAbove(path: string): string {
  try {
    Deno.statSync(path);
    return path;
  } catch (error) {
    const isAbsent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (!isAbsent) throw error;
    return thereOrAbove(dirname(path));
  }
}
