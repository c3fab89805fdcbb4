/**
 * `deno task demo`: the whole path, with real parts, in under a minute. Starts Lucid in a temporary folder, records a
 * desktop through its API, verifies a piece of the recording offline, and shows what a forger would get.
 *
 * @module
 */
import { join } from "node:path";
import { openLog, systemClock, systemRandom, ulidMaker } from "@lucid/runtime";
import { readAnchor } from "../chain/anchor.ts";
import { encodeFinalAnchor } from "../chain/final_anchor.ts";
import { decodeEntry } from "../chain/entry.ts";
import { parseProof } from "../chain/proof.ts";
import {
  type Client,
  openClient,
  type SessionView,
} from "../commands/client.ts";
import {
  counted,
  print,
  printError,
  readableBytes,
} from "../commands/print.ts";
import { openChain } from "../machine/chain/chain.ts";
import { openDataFolder } from "../machine/data_folder.ts";
import { openKeys } from "../machine/keys.ts";

/** How long the desktop is recorded. */
const RECORD_MS = 10_000;
const CHUNK_MS = 2_000;
/** Short, so that nobody waits 10 s for a block. */
const SLOT_MS = 1_000;
/** Starting takes 1 s; on a cold cache the packages come first. */
const START_MS = 60_000;
const COMPLETE_MS = 30_000;

const ROOT = new URL("..", import.meta.url).pathname;

/** What moves on the desktop. */
const MOVING = `#!/bin/sh
printf '\\033[1;32mLucid demo\\033[0m: this terminal is being recorded\\n\\n'
while :; do date '+%T.%N  load '"$(cut -d' ' -f1 /proc/loadavg)"; sleep 0.3; done
`;

if (import.meta.main) {
  try {
    await demo();
  } catch (error) {
    printError(`${(error as Error).message}\n`);
    Deno.exit(1);
  }
}

async function demo(): Promise<void> {
  const began = performance.now();
  const folder = await Deno.makeTempDir({ prefix: "lucid-demo-" });
  const evidence = join(folder, "evidence");
  await Deno.mkdir(evidence);
  const shell = join(folder, "moving.sh");
  await Deno.writeTextFile(shell, MOVING, { mode: 0o700 });

  step("Starting Lucid in a temporary folder");
  const lucid = await startLucid(folder, shell);
  try {
    const session = await record(lucid);
    step("Writing proof, trust file, one sealed chunk and its key");
    const files = await writeEvidence(lucid, session, evidence);

    step(
      "Verifying them in a process that can read that folder and nothing else",
    );
    const verified = await verify(evidence, [
      ...["--trust", files.trust, files.proof],
      ...["--chunk", files.chunk, "--key", files.key],
    ]);
    print(indented(verified.output));
    expect(verified.code === 0, "the proof is VALID", verified.output);

    step("Flipping one byte of the chunk");
    const flipped = join(evidence, "chunk-flipped.sealed");
    await flipOneByte(files.chunk, flipped);
    const tampered = await verify(evidence, [
      ...["--trust", files.trust, files.proof, "--chunk", flipped],
    ]);
    print(indented(failure(tampered.output)));
    expect(tampered.code === 1, "the flipped byte is found", tampered.output);

    step("Making a second chain over the same chunks, as a forger would");
    const forged = join(evidence, "proof-forged.json");
    await Deno.writeTextFile(
      forged,
      await forge(join(folder, "forger"), await Deno.readTextFile(files.proof)),
    );
    const refused = await verify(evidence, ["--trust", files.trust, forged]);
    print(indented(failure(refused.output)));
    expect(
      refused.code === 1 && refused.output.includes("INVALID(trust)"),
      "the forger's chain is INVALID(trust)",
      refused.output,
    );

    step("Making a video of it");
    const video = join(evidence, "recording.mp4");
    await Deno.writeFile(
      video,
      await lucid.stream(`/sessions/${session.session_id}/recording`),
    );
    const seconds = await probe(video);

    await summary({ folder, evidence, session, video, seconds, lucid, began });
  } finally {
    await lucid.stop();
  }
}

/** A Lucid of our own. */
interface Lucid extends Client {
  readonly data: string;
  stop(): Promise<void>;
}

/** Start `lucid up` as a user would, and talk to it over HTTP. */
async function startLucid(folder: string, shell: string): Promise<Lucid> {
  const data = join(folder, "data");
  const log = await Deno.open(join(folder, "lucid.log"), {
    create: true,
    write: true,
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=lucid", "--no-prompt", "main.ts", "up"],
    cwd: ROOT,
    env: {
      LUCID_DATA: data,
      LUCID_PORT: "0",
      LUCID_SLOT_MS: String(SLOT_MS),
      LUCID_NETWORK: "lucid-demo",
      LUCID_DESKTOP_SHELL: shell,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const logged = child.stderr.pipeTo(log.writable);
  if (!await isUp(child)) {
    const [{ code, signal: by }] = await Promise.all([child.status, logged]);
    const because = by === "SIGKILL"
      ? `it is not up after ${START_MS / 1000} s`
      : `it ended with code ${code}`;
    const said = await Deno.readTextFile(join(folder, "lucid.log"));
    throw new Error(`Cannot start Lucid: ${because}\n${said.trimEnd()}`);
  }
  return {
    data,
    ...openClient(data),
    stop: async () => {
      signal(child, "SIGTERM");
      await child.status;
      await logged;
    },
  };
}

/** Whether `lucid up` says that it is; one that does not within {@linkcode START_MS} is ended. */
async function isUp(child: Deno.ChildProcess): Promise<boolean> {
  const late = setTimeout(() => signal(child, "SIGKILL"), START_MS);
  const [heard, rest] = child.stdout.tee();
  // A pipe that nobody reads would hold it up later on.
  rest.pipeTo(new WritableStream());
  let said = "";
  try {
    for await (const text of heard.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.includes("Lucid is up")) return true;
    }
    return false;
  } finally {
    clearTimeout(late);
  }
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    // It has ended by itself, and why is somebody else's to say.
    if (!(error instanceof TypeError)) throw error;
  }
}

/** A session that has been through all of its states. */
type Completed = Required<SessionView>;

async function record(lucid: Lucid): Promise<Completed> {
  step("Asking for a session on a desktop");
  const { session_id: id } = await lucid.post<SessionView>("/sessions", {
    name: "demo",
    source: { kind: "desktop", width: 1024, height: 640 },
    chunk_ms: CHUNK_MS,
  });
  await lucid.post(`/sessions/${id}/start`);
  step(`Recording it for ${RECORD_MS / 1000} s`);
  for (let second = 1; second <= RECORD_MS / 1000; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { chunk_count: chunks } = await look(lucid, id);
    print(
      `\r  ${"█".repeat(second).padEnd(RECORD_MS / 1000, "░")} ${second} s, ${
        counted(chunks, "chunk")
      }`,
    );
  }
  print("\n");
  await lucid.post(`/sessions/${id}/stop`);
  step("Waiting for the block that anchors it");
  const until = performance.now() + COMPLETE_MS;
  while (performance.now() < until) {
    const session = await look(lucid, id);
    if (session.status === "completed") return session as Completed;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Session ${id} is not completed after ${COMPLETE_MS} ms`);
}

/** The session as it is now, unless it failed. */
async function look(lucid: Lucid, id: string): Promise<SessionView> {
  const session = await lucid.get<SessionView>(`/sessions/${id}`);
  if (!session.failed) return session;
  throw new Error(`The session failed: ${session.failure}`);
}

async function writeEvidence(
  lucid: Lucid,
  { session_id: id, chunk_count: count }: SessionView,
  folder: string,
) {
  const n = Math.floor(count / 2);
  const files = {
    proof: join(folder, "proof.json"),
    trust: join(folder, "trust.json"),
    chunk: join(folder, `chunk-${n}.sealed`),
    key: join(folder, `chunk-${n}.key`),
  };
  const session = `/sessions/${id}`;
  await Deno.writeTextFile(
    files.proof,
    await lucid.text(`${session}/proof?chunk=${n}`),
  );
  await Deno.writeTextFile(files.trust, await lucid.text("/chain/trust"));
  await Deno.writeFile(
    files.chunk,
    await lucid.bytes(`${session}/chunks/${n}?form=sealed`),
  );
  const { key } = await lucid.post<{ key: string }>(
    `${session}/chunks/${n}/disclose`,
  );
  await Deno.writeTextFile(files.key, `${key}\n`, { mode: 0o600 });
  return files;
}

/** Run the verifier with read access to one folder: no net, no environment, no write. */
async function verify(folder: string, args: readonly string[]) {
  const home = ["HOME", "DENO_DIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-q", "--no-prompt", "--cached-only"],
      ...[`--allow-read=${folder}`, "verify.ts", ...args],
    ],
    cwd: ROOT,
    clearEnv: true,
    // Deno finds its cache by these; the verifier itself may not read them.
    env: { ...Object.fromEntries(home), NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function flipOneByte(from: string, to: string): Promise<void> {
  const bytes = await Deno.readFile(from);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await Deno.writeFile(to, bytes);
}

/** The same leaves and root, anchored on a chain with keys of somebody else. */
async function forge(folder: string, proofText: string): Promise<string> {
  const genuine = parseProof(proofText);
  const anchor = readAnchor(decodeEntry(genuine.anchor));
  if (anchor.kind !== "final") throw new Error("The demo has a final anchor");
  const clock = systemClock;
  const log = openLog({ clock, write: () => {} });
  const newId = ulidMaker({ clock, random: systemRandom });
  const data = openDataFolder(folder, { newId });
  const keys = await openKeys(data);
  const decided = Promise.withResolvers<number>();
  const chain = openChain({
    dir: data.file("chain"),
    keys,
    genesis: {
      network: "lucid-demo",
      slotMs: 100,
      epochBlocks: 8_640,
      emptyBlockEverySlots: 360,
    },
    clock,
    log,
    onDecided: ({ entries }) =>
      decided.resolve(entries.find(({ type }) => type === 1)!.index),
  });
  try {
    chain.submit(encodeFinalAnchor(anchor, {
      chainId: chain.chainId,
      expiryHeight: 100,
    }, keys.node));
    return chain.proof({
      session: genuine.sessionId,
      leaf: genuine.leaf,
      leafPath: genuine.leafPath,
      anchorIndex: await decided.promise,
    });
  } finally {
    chain.close();
    data.close();
  }
}

/** Seconds of video, as ffprobe counts them. */
async function probe(video: string): Promise<number> {
  const { success, stdout } = await new Deno.Command("ffprobe", {
    args: [
      ...["-v", "error", "-select_streams", "v:0"],
      ...["-show_entries", "format=duration", "-of", "csv=p=0", video],
    ],
  }).output();
  const seconds = Number(new TextDecoder().decode(stdout));
  expect(success && seconds > 0, "ffprobe can read the video", video);
  return seconds;
}

async function summary(
  { folder, evidence, session, video, seconds, lucid, began }: {
    readonly folder: string;
    readonly evidence: string;
    readonly session: Completed;
    readonly video: string;
    readonly seconds: number;
    readonly lucid: Lucid;
    readonly began: number;
  },
): Promise<void> {
  const tookMs = (from: number, to: number) =>
    `${((to - from) / 1000).toFixed(1)} s`;
  const { size } = await Deno.stat(video);
  const proofBytes = (await Deno.stat(join(evidence, "proof.json"))).size;
  const rows = [
    [
      "recorded",
      `${tookMs(session.started_at, session.ended_at)} in ${
        counted(session.chunk_count - session.gap_count, "chunk")
      }, ${counted(session.gap_count, "gap")}, ${
        readableBytes(session.size_bytes)
      } sealed`,
    ],
    [
      "anchored",
      `at height ${session.anchor.height}, ${
        tookMs(session.ended_at, session.anchor.block_time)
      } after its end; checked ${
        tookMs(session.anchor.block_time, session.completed_at)
      } later`,
    ],
    ["proof", `${readableBytes(proofBytes)}, verified offline`],
    ["video", `${seconds.toFixed(1)} s, ${readableBytes(size)}: ${video}`],
    ["evidence", evidence],
    ["log", join(folder, "lucid.log")],
    ["open it again", `LUCID_DATA=${lucid.data} deno task up`],
    ["all in all", tookMs(began, performance.now())],
  ];
  print("\n");
  for (const [name, value] of rows) print(`  ${name!.padEnd(14)} ${value}\n`);
}

function step(words: string): void {
  print(`${words}\n`);
}

function expect(holds: boolean, what: string, found: string): void {
  if (!holds) {
    throw new Error(`It should be so that ${what}, and is not:\n${found}`);
  }
}

function failure(output: string): string {
  return output.split("\n").filter((line) => /FAIL|INVALID/.test(line))
    .join("\n");
}

function indented(text: string): string {
  return `${
    text.trimEnd().split("\n").map((line) => `  ${line}`).join("\n")
  }\n`;
}
