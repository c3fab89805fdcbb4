/**
 * `lucid doctor`: what this machine lacks to run Lucid, each with what to do about it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { statfsSync } from "node:fs";
import type { Environment } from "./environment.ts";
import {
  howToInstall,
  missingPrograms,
  PROGRAMS,
  SEARCH_PATH,
} from "../machine/programs.ts";
import { print, readableBytes } from "./print.ts";

const HELP = `lucid doctor

Looks at this machine and says what is missing for lucid up: programs, a data folder that
can be written, room on its disk, a free port. Exits with 0 when nothing is.
`;

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
  const findings = [
    await programs(),
    dataFolder(environment.LUCID_DATA),
    disk(environment),
    port(environment),
  ];
  for (const { ok, what } of findings) {
    print(`${ok ? "  ok   " : "  LACKS"} ${what}\n`);
  }
  const lacks = findings.filter(({ ok }) => !ok).length;
  print(
    lacks === 0
      ? "Nothing is missing: lucid up will start.\n"
      : `${lacks} of ${findings.length} things need you.\n`,
  );
  return lacks === 0 ? 0 : 1;
}

interface Finding {
  readonly ok: boolean;
  readonly what: string;
}

async function programs(): Promise<Finding> {
  const missing = await missingPrograms(SEARCH_PATH);
  return missing.length === 0
    ? { ok: true, what: `programs: ${Object.keys(PROGRAMS).join(", ")}` }
    : { ok: false, what: `programs:\n${howToInstall(missing)}` };
}

function dataFolder(path: string): Finding {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    const probe = Deno.makeTempFileSync({ dir: path });
    Deno.removeSync(probe);
    return { ok: true, what: `data folder: ${Deno.realPathSync(path)}` };
  } catch (error) {
    return {
      ok: false,
      what: `data folder ${path}: ${
        (error as Error).message
      }; make it writable, or set LUCID_DATA`,
    };
  }
}

function disk(environment: Environment): Finding {
  try {
    const { bavail, bsize } = statfsSync(environment.LUCID_DATA);
    const free = bavail * bsize;
    const floor = environment.LUCID_FREE_MIB_MIN * 2 ** 20;
    const what = `disk: ${readableBytes(free)} free, ${
      readableBytes(floor)
    } must stay so`;
    return free >= floor
      ? { ok: true, what }
      : { ok: false, what: `${what}; free some, or lower LUCID_FREE_MIB_MIN` };
  } catch (error) {
    return { ok: false, what: `disk: ${(error as Error).message}` };
  }
}

function port(environment: Environment): Finding {
  const { LUCID_HOST: hostname, LUCID_PORT } = environment;
  try {
    Deno.listen({ hostname, port: LUCID_PORT }).close();
    return { ok: true, what: `address: ${hostname}:${LUCID_PORT} is free` };
  } catch (error) {
    return {
      ok: false,
      what: `address ${hostname}:${LUCID_PORT}: ${
        (error as Error).message
      }; a Lucid that runs already holds it, else set LUCID_PORT`,
    };
  }
}
