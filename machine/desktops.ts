/**
 * Desktops: for each session an X server, a window manager (openbox) and a terminal on it.
 *
 * Found or made by key, so an effect that is performed twice makes one desktop. It stands and falls as
 * one: when its X server or its window manager ends, so does the other, and it is lost. The view-only
 * password is drawn for each session and lies beside the socket, mode 0600.
 *
 * @module
 */
import { join } from "node:path";
import type { Clock, Log } from "@lucid/runtime";
import { type Child, type Children, startOf } from "./children.ts";
import { removeIfThere } from "./data_folder.ts";
import { endHolders } from "./end_holders.ts";
import {
  authorityIn,
  drawPassword,
  type Geometry,
  readText,
  startXServer,
} from "./x_server.ts";

/** The desktops of this node. */
export interface Desktops {
  /**
   * Find or make the desktop of a session.
   *
   * @throws {Error} Saying why it does not come up; nothing of it runs then.
   */
  ensure(sessionId: string, geometry: Geometry): Promise<void>;
  /** End it and what was started on it; nothing happens where there is none. */
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
  /** One ended that nobody asked to end. */
  readonly onLost: (sessionId: string, because: string) => void;
}

interface Desktop {
  readonly xvnc: Child;
  readonly openbox: Child;
  closing: boolean;
}

/** Open the desktops of a node: none at first, and what was started on those of a life before this one is ended. */
export function openDesktops(options: DesktopsOptions): Desktops {
  const { children, runPath, clock, log } = options;
  const desktops = new Map<string, Promise<Desktop>>();
  let lastStart = endAllOn(runPath);
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

  /** What was started on the desktops under a folder holds the way to their cookie, also as a daemon. */
  async function endAllOn(folder: string): Promise<void> {
    try {
      await endHolders(`XAUTHORITY=${folder}/`);
    } catch (error) {
      log.warn("desktop outlived", { because: String(error) });
    }
  }

  async function start(
    sessionId: string,
    geometry: Geometry,
  ): Promise<Desktop> {
    const began = clock.elapsedMs();
    const folder = folderOf(sessionId);
    const { socketPath, passwordPath } = doorOf(sessionId);
    // A desktop that is started again keeps its password: the recorder that waits for it knows it.
    const viewPassword = readText(passwordPath) ?? drawPassword();
    removeIfThere(folder);
    await Deno.mkdir(folder, { mode: 0o700 });
    await Deno.writeTextFile(passwordPath, viewPassword, { mode: 0o600 });
    const server = { children, sessionId, geometry, folder, socketPath };
    // One after the other: two that start together would take the same display.
    const turn = lastStart.then(() =>
      startXServer({ ...server, viewPassword, clock })
    );
    lastStart = turn.then(() => {}, () => {});
    const { display, xvnc } = await turn;
    let openbox: Child;
    try {
      openbox = startManager(sessionId, display);
    } catch (error) {
      await xvnc.stop();
      throw error;
    }
    const desktop: Desktop = { xvnc, openbox, closing: false };
    watch(sessionId, desktop);
    const tookMs = Math.round(clock.elapsedMs() - began);
    log.info("desktop ready", { sessionId, display, tookMs });
    return desktop;
  }

  function startManager(sessionId: string, display: number): Child {
    const folder = folderOf(sessionId);
    const shell = options.shell === undefined
      ? ""
      : ` -e ${quoted(options.shell)}`;
    return children.start({
      name: `${sessionId}.openbox`,
      program: "openbox",
      // A terminal that comes up beside its window manager waits 5 s for it, so the manager starts it.
      args: ["--startup", `xterm -geometry 100x30+40+40${shell}`],
      env: {
        DISPLAY: `:${display}`,
        XAUTHORITY: authorityIn(folder),
        HOME: folder,
        LANG: "C.UTF-8",
      },
      cwd: folder,
    });
  }

  async function watch(sessionId: string, desktop: Desktop): Promise<void> {
    const { xvnc, openbox } = desktop;
    const first = await Promise.race([xvnc.ended, openbox.ended]);
    if (desktop.closing) return;
    // A window manager whose X server died may be faster to say so than the one who knows why.
    const because = startOf(xvnc.pid) === undefined ? await xvnc.ended : first;
    log.warn("desktop lost", { sessionId, because });
    await stop(desktop);
    if (desktop.closing) return;
    desktops.delete(sessionId);
    options.onLost(sessionId, because);
  }

  async function close(sessionId: string): Promise<void> {
    const desktop = await desktops.get(sessionId)?.catch(() => undefined);
    if (desktop !== undefined) {
      desktop.closing = true;
      desktops.delete(sessionId);
      await stop(desktop);
    }
    await endAllOn(folderOf(sessionId));
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
    close,
    async closeAll() {
      await lastStart;
      await Promise.all([...desktops.keys()].map(close));
    },
  };
}

async function stop({ xvnc, openbox }: Desktop): Promise<void> {
  await Promise.all([openbox.stop(), xvnc.stop()]);
}

/** One word for a command line as GLib takes it apart. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
