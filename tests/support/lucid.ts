/**
 * A real `lucid up` for a test: a child process on a data folder of its own, which may be killed at any
 * moment and started again on the same folder, and an HTTP client that holds the owner's token.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";

/** Starting takes 1 s; a machine that does other things as well needs longer. */
const START_MS = 30_000;
/** How long a test waits for what should be so, unless it says otherwise. */
const PATIENCE_MS = 20_000;
const POLL_MS = 30;

const ROOT = new URL("../..", import.meta.url).pathname;

/** What moves on the desktops. */
const MOVING = `#!/bin/sh
while :; do date +%T.%N; sleep 0.2; done
`;

/** A line of Lucid's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A process that belongs to a data folder. */
export interface FoundProcess {
  readonly pid: number;
  /** `Xvnc`, `nats-server` … */
  readonly program: string;
}

/** Variables for one life of Lucid, without their `LUCID_`. */
export type Settings = Readonly<Record<string, string>>;

/** How a process ended that was not meant to stay. */
export interface Ending {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary folder in which Lucid lives, one life after the other; at its end nothing is left of it. */
export class Home implements AsyncDisposable {
  /** Where everything lies. */
  readonly path: string;
  /** Lucid's data folder. */
  readonly data: string;
  readonly #lives: Lucid[] = [];

  private constructor(path: string) {
    this.path = path;
    this.data = join(path, "data");
  }

  /** Make a folder. */
  static async make(): Promise<Home> {
    const home = new Home(await Deno.makeTempDir({ prefix: "lucid-real-" }));
    await Deno.writeTextFile(home.#shell, MOVING, { mode: 0o700 });
    return home;
  }

  /** Start Lucid here; resolves when its gateway listens. */
  async start(settings: Settings = {}): Promise<Lucid> {
    const lucid = this.launch(settings);
    await lucid.up;
    return lucid;
  }

  /** Start Lucid here, whether or not it comes up. `before` is a program to start it with. */
  launch(settings: Settings, before: readonly string[] = []): Lucid {
    const [program, ...words] = [...before, Deno.execPath()];
    const child = new Deno.Command(program!, {
      args: [...words, ...UP],
      cwd: ROOT,
      env: this.#environment(settings),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const lucid = new Lucid(child, this);
    this.#lives.push(lucid);
    return lucid;
  }

  /** Run `lucid up` where it will end by itself. */
  async refused(settings: Settings): Promise<Ending> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: UP,
      cwd: ROOT,
      env: this.#environment(settings),
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** What all lives so far have logged. @throws {SyntaxError} If anything else was said on standard error. */
  async log(): Promise<LogLine[]> {
    const text = await Deno.readTextFile(this.logPath);
    return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Resolves to the first log line with that phrase, from line `from` on. */
  logged(phrase: string, from = 0): Promise<LogLine> {
    return until(
      `the log says "${phrase}"`,
      async () =>
        (await this.log()).slice(from).find(({ msg }) => msg === phrase),
    );
  }

  /** File of the log. */
  get logPath(): string {
    return join(this.path, "lucid.log");
  }

  /** Processes that name this folder in their words or their environment, Lucid itself left out. */
  processes(): FoundProcess[] {
    const found: FoundProcess[] = [];
    const own = this.#lives.map(({ pid }) => pid);
    for (const { name } of Deno.readDirSync("/proc")) {
      const pid = Number(name);
      if (!(pid > 0) || own.includes(pid)) continue;
      try {
        const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`) +
          Deno.readTextFileSync(`/proc/${pid}/environ`);
        if (!words.includes(this.path)) continue;
        const program = Deno.readTextFileSync(`/proc/${pid}/comm`).trim();
        found.push({ pid, program });
      } catch { /* It ended, or is somebody else's. */ }
    }
    return found;
  }

  /** The one process of that name. */
  async process(program: string): Promise<FoundProcess> {
    return await until(
      `${program} runs`,
      () => this.processes().find((one) => one.program === program),
    );
  }

  /** Resolves when no child of an ended Lucid is left; the kernel ends them, which takes a moment. */
  async deserted(): Promise<void> {
    const names = () => this.processes().map(({ program }) => program);
    await until(
      "nobody is left over",
      () => names().length === 0,
    ).catch((error) => {
      throw new Error(`${error.message}: ${names().join(", ")}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const life of this.#lives) await life.kill();
    try {
      await this.deserted();
    } finally {
      for (const { pid } of this.processes()) Deno.kill(pid, "SIGKILL");
      await Deno.remove(this.path, { recursive: true });
    }
  }

  #environment(settings: Settings): Record<string, string> {
    const all = {
      DATA: this.data,
      PORT: "0",
      SLOT_MS: "200",
      FREE_MIB_MIN: "1",
      WORKERS: "2",
      DESKTOP_SHELL: this.#shell,
      ...settings,
    };
    return Object.fromEntries(
      Object.entries(all).map(([name, value]) => [`LUCID_${name}`, value]),
    );
  }

  get #shell(): string {
    return join(this.path, "moving.sh");
  }
}

const UP = ["run", "-q", "-P=lucid", "--no-prompt", "main.ts", "up"];

/** One life of Lucid. */
export class Lucid {
  readonly pid: number;
  /** Resolves when the gateway listens; rejects with all that was said when it never does. */
  readonly up: Promise<void>;
  /** When it has ended, however that came, and its log is written. */
  readonly ended: Promise<Deno.CommandStatus>;
  /** `http://127.0.0.1:…`, once it is up. */
  address = "";
  readonly #child: Deno.ChildProcess;
  readonly #home: Home;
  #hasEnded = false;
  #headers: Record<string, string> = {};

  constructor(child: Deno.ChildProcess, home: Home) {
    this.#child = child;
    this.#home = home;
    this.pid = child.pid;
    const heard = Promise.withResolvers<string>();
    const logged = keep(child.stderr, home.logPath);
    const listened = listen(child.stdout, heard.resolve);
    this.ended = Promise.all([child.status, logged, listened]).then(
      ([status]) => {
        this.#hasEnded = true;
        heard.reject(new Error(`Lucid ended before it was up`));
        return status;
      },
    );
    this.up = this.#begin(heard.promise);
    // Whoever expects it to die does not wait for it to be up.
    this.up.catch(() => {});
  }

  /** Whether it has ended. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** `kill -9`; resolves when it is gone. */
  async kill(): Promise<void> {
    if (!this.#hasEnded) this.#signal("SIGKILL");
    await this.ended;
  }

  /** SIGTERM; resolves to how long it took, in milliseconds. */
  async stop(): Promise<number> {
    const begun = performance.now();
    this.#signal("SIGTERM");
    const { code } = await this.ended;
    assert.equal(code, 0, await Deno.readTextFile(this.#home.logPath));
    return performance.now() - begun;
  }

  /** Ask the API; whatever the answer is. */
  async call(path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(`${this.address}/api/v1${path}`, {
      ...init,
      headers: { ...this.#headers, ...init.headers },
    });
  }

  /** GET something that is JSON. */
  async get<T>(path: string): Promise<T> {
    return await (await this.#ok(path)).json();
  }

  /** GET something that is text. */
  async text(path: string): Promise<string> {
    return await (await this.#ok(path)).text();
  }

  /** GET something that is bytes. */
  async bytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return await (await this.#ok(path)).bytes();
  }

  /** POST, and read the JSON that comes back. */
  async post<T>(path: string, body?: unknown): Promise<T> {
    return await (await this.#ok(path, posting(body))).json();
  }

  /** DELETE. */
  async delete(path: string): Promise<void> {
    await (await this.#ok(path, { method: "DELETE" })).body?.cancel();
  }

  async #ok(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await this.call(path, init);
    if (response.ok) return response;
    const { method = "GET" } = init;
    throw new Error(
      `${method} ${path} gave ${response.status}: ${await response.text()}`,
    );
  }

  async #begin(heard: Promise<string>): Promise<void> {
    const timer = setTimeout(() => this.#signal("SIGKILL"), START_MS);
    try {
      this.address = await heard;
    } catch (error) {
      const { message } = error as Error;
      const said = await Deno.readTextFile(this.#home.logPath);
      throw new Error(`${message}:\n${said.slice(-4_096)}`);
    } finally {
      clearTimeout(timer);
    }
    const path = join(this.#home.data, "keys", "owner.token");
    const token = (await Deno.readTextFile(path)).trim();
    this.#headers = { Authorization: `Bearer ${token}` };
  }

  #signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended by itself a moment ago.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

/** A request that posts JSON, or nothing. */
export function posting(body?: unknown): RequestInit {
  return body === undefined ? { method: "POST" } : {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  };
}

/**
 * Resolves to what `look` finds, as soon as it finds something.
 *
 * @throws {Error} When it finds nothing within `withinMs`, naming `what`.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = PATIENCE_MS,
): Promise<T> {
  const late = performance.now() + withinMs;
  while (true) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > late) {
      throw new Error(`It is not so that ${what}, after ${withinMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function listen(
  stdout: ReadableStream<Uint8Array>,
  onAddress: (address: string) => void,
): Promise<void> {
  let said = "";
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    said += text;
    const address = /up at (http:\S+)/.exec(said)?.[1];
    if (address !== undefined) onAddress(address);
  }
}

/** Piece by piece: a pipe into a file's stream holds pieces back. */
async function keep(
  stderr: ReadableStream<Uint8Array>,
  path: string,
): Promise<void> {
  await Deno.writeFile(path, new Uint8Array(), { append: true });
  for await (const piece of stderr) {
    await Deno.writeFile(path, piece, { append: true });
  }
}
