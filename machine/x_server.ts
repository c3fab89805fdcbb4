/**
 * One X server with a VNC door on a UNIX socket (Xvnc), on the first display that nobody has.
 *
 * Nothing listens on TCP. Cookie and passwords reach the programs that want them by their standard
 * input: a command line can be read by everybody on the machine.
 *
 * @module
 */
import { join } from "node:path";
import { type Clock, LucidError } from "@lucid/runtime";
import { type Child, type Children, startOf } from "./children.ts";
import { readIfThere } from "./data_folder.ts";

/** Size of a screen, in pixels. */
export interface Geometry {
  readonly width: number;
  readonly height: number;
}

/** What a server is made with. */
export interface XServerOptions {
  readonly children: Children;
  readonly sessionId: string;
  readonly geometry: Geometry;
  /** For its files, mode 0700. */
  readonly folder: string;
  /** Where its VNC door shall be. */
  readonly socketPath: string;
  /** Opens the door for looking. */
  readonly viewPassword: string;
  readonly clock: Clock;
}

/** A server that stands. */
export interface XServer {
  readonly xvnc: Child;
  readonly display: number;
}

/** Displays from here on; lower numbers belong to people. */
const DISPLAY_MIN = 100;
const DISPLAY_MAX = 1_100;
/** Xvnc is up in 50 ms, in 420 ms right after its installation. */
const START_MS = 5_000;
const POLL_MS = 10;
/** VncAuth reads 8 characters and no more; drawn from 57 that nobody mistakes for another. */
const PASSWORD_CHARACTERS = 8;
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/** Where the cookie lies that lets a program onto the display. */
export function authorityIn(folder: string): string {
  return join(folder, "Xauthority");
}

/**
 * Start an X server; two that start together would take the same display.
 *
 * @throws {LucidError} `desktop/failed` when it does not come up.
 */
export async function startXServer(options: XServerOptions): Promise<XServer> {
  const { children, sessionId, folder, viewPassword } = options;
  const passwordFile = await writePasswords(folder, viewPassword);
  let because = "every display is taken";
  for (const display of freeDisplays()) {
    await writeCookie(folder, display);
    const xvnc = children.start({
      name: `${sessionId}.xvnc`,
      program: "Xvnc",
      args: serverArguments(options, { display, passwordFile }),
      env: { HOME: folder },
      cwd: folder,
    });
    const failure = await untilUp(xvnc, options);
    if (failure === undefined) return { display, xvnc };
    await xvnc.stop();
    because = failure;
    // Another program may take a display between the look and the start: then the next one is tried.
    if (!/already active|in use/i.test(because)) break;
  }
  throw new LucidError(
    "desktop/failed",
    "unavailable",
    `Cannot start a desktop for session ${sessionId}: ${because}`,
  );
}

/** A password for a door, as long as VNC allows. */
export function drawPassword(): string {
  let password = "";
  while (password.length < PASSWORD_CHARACTERS) {
    // 4 × 57 = 228: bytes from there on would make some characters likelier than others.
    const byte = crypto.getRandomValues(new Uint8Array(1))[0]!;
    if (byte < 4 * ALPHABET.length) {
      password += ALPHABET[byte % ALPHABET.length];
    }
  }
  return password;
}

/** A short text in a file, or undefined where there is none. */
export function readText(path: string): string | undefined {
  const bytes = readIfThere(path);
  return bytes && new TextDecoder().decode(bytes).trim();
}

function serverArguments(
  { sessionId, geometry, folder, socketPath }: XServerOptions,
  { display, passwordFile }: {
    readonly display: number;
    readonly passwordFile: string;
  },
): string[] {
  return [
    `:${display}`,
    ...["-geometry", `${geometry.width}x${geometry.height}`, "-depth", "24"],
    ...["-auth", authorityIn(folder), "-desktop", sessionId],
    // No TCP, neither for X nor for VNC; the socket is its owner's alone (384 is 0600 in decimal).
    ...["-nolisten", "tcp", "-localhost", "-rfbport", "-1"],
    ...["-rfbunixpath", socketPath, "-rfbunixmode", "384"],
    ...["-SecurityTypes", "VncAuth", "-PasswordFile", passwordFile],
    // Nothing crosses but picture and input; nothing but the title can be changed from inside.
    ...["-AlwaysShared", "-AcceptSetDesktopSize=0", "-AllowOverride=desktop"],
    ...["-SendCutText=0", "-AcceptCutText=0", "-SendPrimary=0"],
    ...["-SetPrimary=0", "-FrameRate", "30", "-s", "0", "-dpms", "-noreset"],
    ...["-Log", "*:stderr:30"],
  ];
}

/** Writes the server's password file: one for control, which nobody is told, and one for viewing. */
async function writePasswords(folder: string, view: string): Promise<string> {
  const path = join(folder, "vncpasswd");
  const words = `${drawPassword()}\n${view}\n`;
  const obfuscated = await run("tigervncpasswd", ["-f"], words);
  await Deno.writeFile(path, obfuscated, { mode: 0o600 });
  return path;
}

async function writeCookie(folder: string, display: number): Promise<void> {
  const cookie = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const words = `add :${display} . ${cookie}\n`;
  await run("xauth", ["-q", "-f", authorityIn(folder), "source", "-"], words);
}

function* freeDisplays(): Generator<number> {
  for (let display = DISPLAY_MIN; display < DISPLAY_MAX; display++) {
    if (isFree(display)) yield display;
  }
}

/** A killed server leaves its lock behind; the next one takes it over once nothing is left of the process in it. */
function isFree(display: number): boolean {
  const lock = readText(`/tmp/.X${display}-lock`);
  return lock === undefined || startOf(Number(lock)) === undefined;
}

/** Why it is not up, or undefined when it is. */
async function untilUp(
  xvnc: Child,
  { socketPath, clock }: XServerOptions,
): Promise<string | undefined> {
  let ended: string | undefined;
  xvnc.ended.then((because) => ended = because);
  const until = clock.elapsedMs() + START_MS;
  while (ended === undefined && clock.elapsedMs() < until) {
    // The last thing it opens: by then its X socket is there.
    if (exists(socketPath)) return undefined;
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
  return ended ?? `Xvnc is not up after ${START_MS} ms`;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Run a program to its end, with `input` for it to read; returns what it wrote. */
async function run(
  program: string,
  args: readonly string[],
  input: string,
): Promise<Uint8Array> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) {
    throw new LucidError(
      "desktop/failed",
      "unavailable",
      `Cannot run ${program}: ${new TextDecoder().decode(stderr).trim()}`,
    );
  }
  return stdout;
}
