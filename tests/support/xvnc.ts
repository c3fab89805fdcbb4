/**
 * A real screen for a test: an Xvnc of its own on a UNIX socket in a temporary folder, on no TCP
 * port, ended by the test that started it.
 *
 * @module
 */

/** Password of the view-only user; the full one is never used here. */
export const VIEW_PASSWORD = "viewonly";

/** What a test may choose. */
export interface XvncOptions {
  /** Pixels, `640x400` by default. */
  readonly geometry?: string;
  /** Folder to use (a restarted server takes the socket of the one before); a new one by default. */
  readonly dir?: string;
}

/** A running screen. */
export interface Xvnc extends AsyncDisposable {
  /** Where the socket and the password file lie. */
  readonly dir: string;
  /** The RFB socket. */
  readonly path: string;
  /** `:17` */
  readonly display: string;
  /** Process id of the server. */
  readonly pid: number;
  /** Run a program on the screen; it ends with it. */
  run(program: string, ...args: string[]): Deno.ChildProcess;
  /** End the server as `kill -9` would, and leave its folder. */
  kill(): Promise<void>;
  /** Freeze it or let it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** Start a screen; resolves when it can be connected to. */
export async function startXvnc(options: XvncOptions = {}): Promise<Xvnc> {
  const dir = options.dir ?? await Deno.makeTempDir({ prefix: "lucid-xvnc-" });
  const path = `${dir}/rfb.sock`;
  await Deno.writeFile(`${dir}/password`, await passwordFile());
  const server = new Deno.Command("Xvnc", {
    args: [
      ...[
        "-displayfd",
        "1",
        "-geometry",
        options.geometry ?? "640x400",
        "-depth",
        "24",
      ],
      ...[
        "-nolisten",
        "tcp",
        "-rfbport",
        "-1",
        "-rfbunixpath",
        path,
        "-rfbunixmode",
        "384",
      ],
      ...[
        "-SecurityTypes",
        "VncAuth",
        "-PasswordFile",
        `${dir}/password`,
        "-AlwaysShared",
      ],
      ...[
        "-AcceptSetDesktopSize=0",
        "-SendCutText=0",
        "-AcceptCutText=0",
        "-ac",
        "-s",
        "0",
        "-noreset",
      ],
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const display = `:${(await firstLine(server.stdout)).trim()}`;
  const programs: Deno.ChildProcess[] = [];
  let ended = false;
  const kill = async () => {
    if (!ended) server.kill("SIGKILL");
    ended = true;
    await server.status;
    // They lose their display and end by themselves; a shell inside one may need the word.
    for (const program of programs.splice(0)) {
      try {
        program.kill("SIGKILL");
      } catch { /* It has ended already. */ }
      await program.status;
    }
    await removeTraces(display.slice(1), server.pid);
  };
  return {
    dir,
    path,
    display,
    pid: server.pid,
    run(program, ...args) {
      const child = new Deno.Command(program, {
        args,
        env: { DISPLAY: display },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      programs.push(child);
      return child;
    },
    kill,
    signal: (name) => server.kill(name),
    async [Symbol.asyncDispose]() {
      await kill();
      if (options.dir === undefined) {
        await Deno.remove(dir, { recursive: true });
      }
    },
  };
}

/** What a killed server leaves, unless another has taken the display since. */
async function removeTraces(number: string, pid: number): Promise<void> {
  const lock = `/tmp/.X${number}-lock`;
  const owner = await Deno.readTextFile(lock).catch(() => "");
  if (Number(owner) !== pid) return;
  await Deno.remove(`/tmp/.X11-unix/X${number}`).catch(() => {});
  await Deno.remove(lock);
}

async function firstLine(stdout: ReadableStream<Uint8Array>): Promise<string> {
  let line = "";
  const reader = stdout.pipeThrough(new TextDecoderStream()).getReader();
  while (!line.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) {
      throw new Error("Cannot start Xvnc: it ended before it had a display");
    }
    line += value;
  }
  await reader.cancel();
  return line;
}

async function passwordFile(): Promise<Uint8Array> {
  const maker = new Deno.Command("tigervncpasswd", {
    args: ["-f"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = maker.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`fullpass\n${VIEW_PASSWORD}\n`));
  await writer.close();
  return (await maker.output()).stdout;
}
