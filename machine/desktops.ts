/**
 * Desktops: for each session an X server with a VNC door on a UNIX socket (Xvnc), a window manager
 * (openbox) and a terminal on it.
 *
 * Found or made by key, so an effect that is performed twice makes one desktop. Nothing listens on TCP.
 * The view-only password is drawn for each session and lies beside the socket, mode 0600.
 *
 * @module
 */
import { join } from "node:path";
import { type Clock, type Log, LucidError } from "@lucid/runtime";
import { type Child, type Children, startOf } from "./children.ts";
import { readIfThere, removeIfThere } from "./data_folder.ts";

/** Size of a desktop, in pixels. */
export interface Geometry {
  readonly width: number;
  readonly height: number;
}

/** The desktops of this node. */
export interface Desktops {
  /**
   * Find or make the desktop of a session.
   *
   * @throws {LucidError} `desktop/failed` when its X server does not come up.
   */
  ensure(sessionId: string, geometry: Geometry): Promise<void>;
  /** Resolves when the desktop stands, or after a while when none was asked for. */
  opened(sessionId: string): Promise<void>;
  /** End it; nothing happens where there is none. */
  close(sessionId: string): Promise<void>;
  /** End all of them, saying nothing to anybody: the process stops. */
  closeAll(): Promise<void>;
  /** Where its VNC door is, whether it stands open or not. */
  doorOf(sessionId: string): Door;
}

/** A VNC server's socket, and the file that holds its view-only password. */
export interface Door {
  readonly socketPath: string;
  readonly passwordPath: string;
}

/** What desktops are made with. */
export interface DesktopsOptions {
  readonly children: Children;
  /** Short folder for sockets. */
  readonly runPath: string;
  /** What the terminal runs; the user's shell if absent. */
  readonly shell?: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** An X server ended that nobody asked to end. */
  readonly onLost: (sessionId: string, because: string) => void;
}

/** Displays from here on; lower numbers belong to people. */
const DISPLAY_MIN = 100;
const DISPLAY_MAX = 1_100;
/** Xvnc is up in 50 ms, in 420 ms right after its installation. */
const START_MS = 5_000;
const POLL_MS = 10;
/** VncAuth reads 8 characters and no more; drawn from 56 that nobody mistakes for another. */
const PASSWORD_CHARACTERS = 8;
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

interface Desktop {
  readonly children: readonly Child[];
  closing: boolean;
}

/** Open the desktops of a node: none at first, for all of them died with the process before. */
export function openDesktops(options: DesktopsOptions): Desktops {
  const { children, runPath, clock, log } = options;
  const desktops = new Map<string, Promise<Desktop>>();
  let lastStart: Promise<unknown> = Promise.resolve();
  const folderOf = (sessionId: string): string =>
    // The last ten characters of a ULID are chance: short enough for a socket's path.
    join(runPath, sessionId.slice(-10));

  function doorOf(sessionId: string): Door {
    const folder = folderOf(sessionId);
    return {
      socketPath: join(folder, "rfb"),
      passwordPath: join(folder, "view"),
    };
  }

  async function start(
    sessionId: string,
    geometry: Geometry,
  ): Promise<Desktop> {
    const began = clock.elapsedMs();
    const folder = folderOf(sessionId);
    const door = doorOf(sessionId);
    // A desktop that is started again keeps its password: the recorder that waits for it knows it.
    const view = readText(door.passwordPath) ?? drawPassword();
    removeIfThere(folder);
    await Deno.mkdir(folder, { mode: 0o700 });
    await Deno.writeTextFile(door.passwordPath, view, { mode: 0o600 });
    const passwordFile = await writePasswords(folder, view);
    // One after the other: two that start together would take the same display.
    const turn = lastStart.then(() =>
      startServer(sessionId, {
        folder,
        door,
        passwordFile,
        geometry,
      })
    );
    lastStart = turn.catch(() => {});
    const { display, server } = await turn;
    const env = {
      DISPLAY: `:${display}`,
      XAUTHORITY: join(folder, "Xauthority"),
      HOME: folder,
      LANG: "C.UTF-8",
    };
    const shell = options.shell === undefined
      ? ""
      : ` -e ${quoted(options.shell)}`;
    const desktop: Desktop = {
      children: [
        children.start({
          name: `${sessionId}.openbox`,
          program: "openbox",
          // A terminal that comes up beside its window manager waits 5 s for it, so the manager starts it.
          args: ["--startup", `xterm -geometry 100x30+40+40${shell}`],
          env,
          cwd: folder,
        }),
        server,
      ],
      closing: false,
    };
    server.ended.then((because) => {
      if (desktop.closing) return;
      desktops.delete(sessionId);
      log.warn("desktop lost", { sessionId, because });
      options.onLost(sessionId, because);
    });
    const tookMs = Math.round(clock.elapsedMs() - began);
    log.info("desktop ready", { sessionId, display, tookMs });
    return desktop;
  }

  /** Another program may take a display between the look and the start: then the next one is tried. */
  async function startServer(
    sessionId: string,
    { folder, door, passwordFile, geometry }: {
      readonly folder: string;
      readonly door: Door;
      readonly passwordFile: string;
      readonly geometry: Geometry;
    },
  ): Promise<{ readonly display: number; readonly server: Child }> {
    let because = "every display is taken";
    for (const display of freeDisplays()) {
      const authority = join(folder, "Xauthority");
      await run("xauth", [
        "-q",
        "-f",
        authority,
        "add",
        `:${display}`,
        ".",
        crypto.getRandomValues(new Uint8Array(16)).toHex(),
      ]);
      const server = children.start({
        name: `${sessionId}.xvnc`,
        program: "Xvnc",
        args: serverArguments({
          sessionId,
          display,
          authority,
          door,
          passwordFile,
          geometry,
        }),
        env: { HOME: folder },
        cwd: folder,
      });
      const up = await Promise.race([
        server.ended,
        // The last thing it opens: by then its X socket is there.
        untilThere(door.socketPath, clock),
      ]);
      if (up === true) return { display, server };
      await server.stop();
      because = up === false ? `Xvnc is not up after ${START_MS} ms` : up;
      if (!/already active|in use/i.test(because)) break;
    }
    throw new LucidError(
      "desktop/failed",
      "unavailable",
      `Cannot start a desktop for session ${sessionId}: ${because}`,
    );
  }

  async function close(sessionId: string): Promise<void> {
    const desktop = await desktops.get(sessionId)?.catch(() => undefined);
    if (desktop !== undefined) {
      desktop.closing = true;
      desktops.delete(sessionId);
      await Promise.all(desktop.children.map((child) => child.stop()));
    }
    removeIfThere(folderOf(sessionId));
  }

  return {
    doorOf,
    async ensure(sessionId, geometry) {
      const found = desktops.get(sessionId);
      if (found !== undefined) {
        await found;
        return;
      }
      const starting = start(sessionId, geometry);
      desktops.set(sessionId, starting);
      try {
        await starting;
      } catch (error) {
        desktops.delete(sessionId);
        throw error;
      }
    },
    async opened(sessionId) {
      const until = clock.elapsedMs() + START_MS;
      while (!desktops.has(sessionId) && clock.elapsedMs() < until) {
        await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
      }
      await desktops.get(sessionId)?.catch(() => undefined);
    },
    close,
    async closeAll() {
      await Promise.all([...desktops.keys()].map(close));
    },
  };
}

function serverArguments(
  { sessionId, display, authority, door, passwordFile, geometry }: {
    readonly sessionId: string;
    readonly display: number;
    readonly authority: string;
    readonly door: Door;
    readonly passwordFile: string;
    readonly geometry: Geometry;
  },
): string[] {
  return [
    `:${display}`,
    ...["-geometry", `${geometry.width}x${geometry.height}`, "-depth", "24"],
    ...["-auth", authority, "-desktop", sessionId],
    // No TCP, neither for X nor for VNC; the socket is its owner's alone (384 is 0600 in decimal).
    ...["-nolisten", "tcp", "-localhost", "-rfbport", "-1"],
    ...["-rfbunixpath", door.socketPath, "-rfbunixmode", "384"],
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

function drawPassword(): string {
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

/** One word for a command line as GLib takes it apart. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function readText(path: string): string | undefined {
  const bytes = readIfThere(path);
  return bytes && new TextDecoder().decode(bytes).trim();
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

async function untilThere(path: string, clock: Clock): Promise<boolean> {
  const until = clock.elapsedMs() + START_MS;
  while (!exists(path)) {
    if (clock.elapsedMs() > until) return false;
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
  return true;
}

/** Run a program to its end, with `input` for it to read; returns what it wrote. */
async function run(
  program: string,
  args: readonly string[],
  input = "",
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
