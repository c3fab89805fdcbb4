/**
 * The programs that Lucid starts but does not contain: which of them are missing here, and how they
 * come onto a Debian machine. `demo` and `test` install them, `doctor` names them.
 *
 * @module
 */

/** Each program that is started by name, and the Debian package that brings it. */
export const PROGRAMS: Readonly<Record<string, string>> = {
  "nats-server": "nats-server",
  "Xvnc": "tigervnc-standalone-server",
  "tigervncpasswd": "tigervnc-tools",
  "openbox": "openbox",
  "xterm": "xterm",
  "xauth": "xauth",
  "ffmpeg": "ffmpeg",
  "ffprobe": "ffmpeg",
  "setpriv": "util-linux",
};

/**
 * Where programs are looked for, as a `PATH`: that of Debian's users, and the folder of its servers,
 * which a plain user's `PATH` leaves out.
 */
export const SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin";

/** Wanted beside the programs themselves: without fonts of its own no Xvnc starts. */
const FONTS = "xfonts-base";

const PACKAGES: readonly string[] = [
  ...new Set([...Object.values(PROGRAMS), FONTS]),
];

/** Any user-executable bit. */
const EXECUTABLE = 0o111;

/**
 * Which of {@linkcode PROGRAMS} cannot be started here.
 *
 * @param searchPath Folders to look in, separated by colons: {@linkcode SEARCH_PATH}, or a `PATH`.
 * @returns Names of programs, in the order of the table; empty where nothing is missing.
 */
export async function missingPrograms(searchPath: string): Promise<string[]> {
  const missing: string[] = [];
  for (const name of Object.keys(PROGRAMS)) {
    if (await find(name, searchPath) === undefined) missing.push(name);
  }
  return missing;
}

/** How the named programs come onto this machine, as lines for a person to read. */
export function howToInstall(missing: readonly string[]): string {
  return [
    ...missing.map((name) => `  ${name} (Debian package ${PROGRAMS[name]})`),
    "On Debian: sudo apt-get update && sudo apt-get install -y --no-install-recommends " +
    PACKAGES.join(" "),
  ].join("\n");
}

/**
 * Install what is missing, where this process may: as root, on a machine with apt-get. Where nothing
 * is missing nothing happens.
 *
 * @param searchPath As for {@linkcode missingPrograms}.
 * @param say Takes each line meant for the person who waits.
 * @throws Error naming each missing program and how to install it, where that cannot be done here.
 */
export async function installPrograms(
  searchPath: string,
  say: (line: string) => void,
): Promise<void> {
  const missing = await missingPrograms(searchPath);
  if (missing.length === 0) return;
  const apt = await find("apt-get", searchPath);
  if (Deno.uid() !== 0 || apt === undefined) {
    throw new Error(
      `Cannot start: these programs are missing\n${howToInstall(missing)}`,
    );
  }
  say(`Installing with apt-get, because missing here: ${missing.join(", ")}`);
  await run(apt, ["update"]);
  await run(apt, ["install", "-y", "--no-install-recommends", ...PACKAGES]);
  const still = await missingPrograms(searchPath);
  if (still.length > 0) {
    throw new Error(
      `Cannot start: apt-get went well, yet still missing is ${
        still.join(", ")
      }`,
    );
  }
}

async function run(apt: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(apt, {
    args: [...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (!success) {
    throw new Error(
      `Cannot install programs: "apt-get ${
        args[0]
      }" failed, see its lines above`,
    );
  }
}

/** The first file of that name that can be started, as a shell would find it. */
async function find(
  name: string,
  searchPath: string,
): Promise<string | undefined> {
  for (const folder of searchPath.split(":")) {
    const path = `${folder}/${name}`;
    if (folder !== "" && await isProgram(path)) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    const file = await Deno.stat(path);
    return file.isFile && ((file.mode ?? 0) & EXECUTABLE) !== 0;
  } catch {
    return false;
  }
}
