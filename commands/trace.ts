/**
 * `lucid trace`: what passes on the bus of a running Lucid, decoded, one line each.
 *
 * @module
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LucidError, openLog, systemClock, traceLine } from "@lucid/runtime";
import { openNatsBus } from "@lucid/runtime/bus/nats";
import { readIfThere } from "../machine/data_folder.ts";
import type { Environment } from "./environment.ts";
import { natsOptions } from "./nats_options.ts";
import { print, printError } from "./print.ts";

const HELP = `lucid trace [SUBJECT]

Prints frames and events on the bus of the Lucid that runs on the data folder (LUCID_DATA, default ./data), or on
LUCID_NATS_URL, until Ctrl-C. SUBJECT narrows it: lucid.v1.evt.session.> shows what sessions announce.
`;

/** Everything that Lucid says on a bus. */
const ALL = "lucid.v1.>";

/** Run the command; resolves to its exit code. */
export async function run(
  args: string[],
  environment: Environment,
): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { help: { type: "boolean" } },
  });
  if (values.help) {
    print(HELP);
    return 0;
  }
  const clock = systemClock;
  const bus = openNatsBus({
    ...natsOptions(environment.LUCID_NATS_URL ?? urlIn(environment.LUCID_DATA)),
    name: "lucid trace",
    clock,
    log: openLog({
      clock,
      level: "warn",
      write: (line) => printError(`${line}\n`),
    }),
  });
  bus.subscribe(positionals[0] ?? ALL, (message) => {
    print(`${new Date(clock.now()).toISOString()}  ${traceLine(message)}\n`);
  });
  await new Promise<void>((resolve) => {
    Deno.addSignalListener("SIGINT", resolve);
  });
  await bus.close();
  return 0;
}

function urlIn(dataPath: string): string {
  const path = join(dataPath, "nats.url");
  const bytes = readIfThere(path);
  if (bytes === undefined) {
    throw new LucidError(
      "trace/no-bus",
      "missing",
      `Cannot trace: there is no ${path}; start lucid up, or set LUCID_DATA or LUCID_NATS_URL`,
    );
  }
  return new TextDecoder().decode(bytes).trim();
}
