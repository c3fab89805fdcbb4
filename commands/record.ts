/**
 * `lucid record`: have a running Lucid record a VNC server that is already there.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { LucidError } from "@lucid/runtime";
import type { Environment } from "./environment.ts";
import { type Client, openClient, type SessionView } from "./client.ts";
import { counted, print, readableBytes } from "./print.ts";

const HELP = `lucid record --socket PATH [options]

Has the Lucid that runs on the data folder (LUCID_DATA, default ./data) record a VNC server on this machine, shows
how it goes, and waits until the recording is anchored and checked.

  --socket PATH          UNIX socket of the VNC server
  --password-file FILE   its view-only password, one line
  --seconds N            stop after so long (else at Ctrl-C)
  --name NAME            what the session is called
  --lenient              go on when the screen is lost, naming the gap (else recording ends within 2 s)
`;

const BAR_CELLS = 30;
const LOOK_MS = 500;
/** A block comes every 10 s; whoever waits for three of them waits for something else. */
const COMPLETE_MS = 60_000;

/** Run the command; resolves to its exit code. */
export async function run(
  args: string[],
  environment: Environment,
): Promise<number> {
  const wishes = read(args);
  if (wishes === undefined) {
    print(HELP);
    return 0;
  }
  const client = openClient(environment.LUCID_DATA);
  const { session_id: id } = await client.post<SessionView>("/sessions", {
    name: wishes.name,
    mode: wishes.lenient ? "lenient" : "strict",
    source: {
      kind: "vnc",
      socket_path: wishes.socketPath,
      ...(wishes.passwordPath === undefined
        ? {}
        : { password_path: wishes.passwordPath }),
    },
  });
  await client.post(`/sessions/${id}/start`);
  print(`Recording session ${id}; Ctrl-C stops it\n`);
  await watch(client, { id, seconds: wishes.seconds });
  const session = await untilChecked(client, id);
  print(
    `${session.status}: ${
      counted(session.chunk_count - session.gap_count, "chunk")
    }, ${counted(session.gap_count, "gap")}, ${
      readableBytes(session.size_bytes)
    } sealed${
      session.anchor === undefined
        ? ""
        : `, anchored at height ${session.anchor.height}`
    }\n`,
  );
  const isCompleted = session.status === "completed";
  if (session.failed) print(`It failed: ${session.failure}\n`);
  if (!isCompleted) {
    print(
      `It is not completed after ${
        COMPLETE_MS / 1000
      } s; Lucid goes on with it, and GET /api/v1/sessions/${id} shows how far it is\n`,
    );
  }
  return isCompleted && !session.failed ? 0 : 1;
}

interface Wishes {
  readonly socketPath: string;
  readonly passwordPath: string | undefined;
  readonly seconds: number;
  readonly name: string;
  readonly lenient: boolean;
}

/** What was asked for; undefined where help was. */
function read(args: string[]): Wishes | undefined {
  const { values } = parseArgs({
    args,
    options: {
      "help": { type: "boolean" },
      "socket": { type: "string" },
      "password-file": { type: "string" },
      "seconds": { type: "string" },
      "name": { type: "string", default: "lucid record" },
      "lenient": { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const seconds = Number(values.seconds ?? Infinity);
  if (values.socket === undefined || !(seconds > 0)) {
    throw new LucidError(
      "record/wrong-use",
      "invalid",
      `Cannot record: ${
        values.socket === undefined
          ? "--socket is missing"
          : "--seconds must be a number above 0"
      }; see lucid record --help`,
    );
  }
  const passwordFile = values["password-file"];
  return {
    socketPath: resolve(values.socket),
    passwordPath: passwordFile && resolve(passwordFile),
    seconds,
    name: values.name,
    lenient: values.lenient,
  };
}

/** Show how it goes until time is up, Ctrl-C, or it has ended by itself; then stop it. */
async function watch(
  client: Client,
  { id, seconds }: { readonly id: string; readonly seconds: number },
): Promise<void> {
  let stopping = false;
  const stop = (): void => {
    stopping = true;
  };
  Deno.addSignalListener("SIGINT", stop);
  const began = performance.now();
  try {
    while (true) {
      const session = await client.get<SessionView>(`/sessions/${id}`);
      const elapsed = (performance.now() - began) / 1000;
      print(`\r${bar(elapsed, seconds)} ${progress(session, elapsed)}`);
      if (session.status !== "recording" && session.status !== "created") break;
      if (stopping || elapsed >= seconds) {
        await client.post(`/sessions/${id}/stop`);
        break;
      }
      await pause(LOOK_MS);
    }
  } finally {
    Deno.removeSignalListener("SIGINT", stop);
    print("\n");
  }
}

function bar(elapsed: number, seconds: number): string {
  // Without an end the bar runs round once a minute.
  const share = seconds === Infinity ? (elapsed % 60) / 60 : elapsed / seconds;
  const full = Math.min(BAR_CELLS, Math.round(share * BAR_CELLS));
  return "█".repeat(full).padEnd(BAR_CELLS, "░");
}

function progress(session: SessionView, elapsed: number): string {
  return [
    `${Math.floor(elapsed)} s`,
    counted(session.chunk_count - session.gap_count, "chunk"),
    ...(session.gap_count === 0 ? [] : [counted(session.gap_count, "gap")]),
    readableBytes(session.size_bytes),
  ].join(", ").padEnd(48);
}

async function untilChecked(client: Client, id: string): Promise<SessionView> {
  print("Waiting for the block that anchors it\n");
  const until = performance.now() + COMPLETE_MS;
  while (true) {
    const session = await client.get<SessionView>(`/sessions/${id}`);
    if (session.status === "completed" || performance.now() > until) {
      return session;
    }
    await pause(LOOK_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
