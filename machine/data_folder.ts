/**
 * The folder that holds everything one node knows: who locks it is the node.
 *
 *     lock  lucid.pid  boot  node.json     this file
 *     keys/                                keys.ts
 *     documents.sqlite                     the runtime's store
 *     segments/                            the recorder's vault
 *     chain/                               log, WAL and signer of the chain
 *     manifests/                           sealing.ts
 *     children/                            children.ts
 *     exports/                             evidence.ts: films while they are made
 *     desktops/                            desktop_hands.ts: a marker for each desktop that shall stand
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { LucidError } from "@lucid/runtime";
import { z } from "zod";
import { Ulid } from "../actors/fields.ts";

/** A UNIX socket's path must fit 108 bytes, its ending zero included; ours add at most 48 to the folder's. */
const SOCKET_FOLDER_BYTES_MAX = 60;

/** What `node.json` holds. */
const NodeFile = z.strictObject({ node_id: Ulid });

/** A locked data folder. */
export interface DataFolder {
  /** Absolute path. */
  readonly path: string;
  /** Short folder for sockets, mode 0700. */
  readonly runPath: string;
  /** This node's id, the same for the life of the folder. */
  readonly nodeId: string;
  /** How many processes have held the folder, this one included: the epoch of its actors. */
  readonly boot: number;
  /** Absolute path of something inside. */
  file(...names: string[]): string;
  /** Give the folder free. */
  close(): void;
}

/**
 * Open a data folder, making it if there is none, and lock it for the life of this process.
 *
 * @param path Where it lies.
 * @param options `newId` gives a ULID for a new node.
 * @throws {LucidError} `data/locked` when another process holds it, `data/full` when its disk is, `data/unreadable`
 * when it cannot be used.
 */
export function openDataFolder(
  path: string,
  { newId }: { newId(): string },
): DataFolder {
  const root = resolve(path);
  const file = (...names: string[]): string => join(root, ...names);
  let lock: Deno.FsFile | undefined;
  try {
    for (const name of ["", "keys", "manifests", "children", "desktops"]) {
      Deno.mkdirSync(file(name), { recursive: true, mode: 0o700 });
    }
    lock = Deno.openSync(file("lock"), { create: true, write: true });
    if (!lock.tryLockSync(true)) {
      throw new LucidError(
        "data/locked",
        "conflict",
        `Cannot open data folder ${root}: another Lucid${
          runningAs(root)
        } uses it; stop it first, or set LUCID_DATA to another folder`,
      );
    }
    Deno.writeTextFileSync(file("lucid.pid"), `${Deno.pid}\n`);
    const boot = nextBoot(file("boot"));
    const nodeId = readNodeId(file("node.json"), newId);
    const runPath = runFolder(root);
    return {
      path: root,
      runPath,
      nodeId,
      boot,
      file,
      close(): void {
        removeIfThere(file("lucid.pid"));
        if (!runPath.startsWith(root)) removeIfThere(runPath);
        lock?.close();
      },
    };
  } catch (error) {
    lock?.close();
    throw error instanceof LucidError ? error : unusable(root, error);
  }
}

/** Who holds a data folder at this moment, for people: `a Lucid (process 12)`; undefined where nobody does. */
export function holderOf(path: string): string | undefined {
  try {
    using lock = Deno.openSync(join(path, "lock"));
    return lock.tryLockSync() ? undefined : `a Lucid${runningAs(path)}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable(path, error);
  }
}

/**
 * Write a small file so that a crash leaves the old one or the new one, never half of one.
 *
 * @param path The file.
 * @param bytes All of it.
 */
export function writeDurably(path: string, bytes: Uint8Array): void {
  const draft = `${path}.new`;
  const file = Deno.openSync(draft, {
    write: true,
    create: true,
    truncate: true,
    mode: 0o600,
  });
  try {
    let written = 0;
    while (written < bytes.length) {
      written += file.writeSync(bytes.subarray(written));
    }
    file.syncSync();
  } finally {
    file.close();
  }
  Deno.renameSync(draft, path);
  const folder = Deno.openSync(join(path, ".."), { read: true });
  try {
    folder.syncSync();
  } finally {
    folder.close();
  }
}

/** Names of the files in a folder that {@linkcode writeDurably} writes to; a draft that a crash left there is removed. */
export function durableNames(path: string): string[] {
  const names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  const isDraft = (name: string): boolean => name.endsWith(".new");
  for (const draft of names.filter(isDraft)) removeIfThere(join(path, draft));
  return names.filter((name) => !isDraft(name));
}

/** Bytes of a file, or undefined where there is none. */
export function readIfThere(
  path: string,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Remove a file or a folder with all in it; nothing happens where there is none. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function unusable(path: string, cause: unknown): LucidError {
  const { message, code } = cause as Error & { readonly code?: string };
  const attempt = `Cannot open data folder ${path}: ${message}`;
  const elsewhere = "or set LUCID_DATA to another folder";
  return code === "ENOSPC" || code === "EDQUOT"
    ? new LucidError(
      "data/full",
      "exhausted",
      `${attempt}; free some room there, ${elsewhere}`,
      { cause },
    )
    : new LucidError(
      "data/unreadable",
      "unavailable",
      `${attempt}; make it readable and writable for this user, ${elsewhere}`,
      { cause },
    );
}

function runningAs(root: string): string {
  const pid = readIfThere(join(root, "lucid.pid"));
  return pid === undefined
    ? ""
    : ` (process ${new TextDecoder().decode(pid).trim()})`;
}

/** The counter is durable before anything is done under its number. */
function nextBoot(path: string): number {
  const before = readIfThere(path);
  const text = before === undefined
    ? "0"
    : new TextDecoder().decode(before).trim();
  const boot = Number(text) + 1;
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(boot)) {
    throw new LucidError(
      "data/unreadable",
      "unavailable",
      `Cannot read ${path}: it holds no number; restore it from a backup, or put in one that is higher than any boot before`,
    );
  }
  writeDurably(path, new TextEncoder().encode(`${boot}\n`));
  return boot;
}

function readNodeId(path: string, newId: () => string): string {
  const bytes = readIfThere(path);
  if (bytes === undefined) {
    const nodeId = newId();
    const text = JSON.stringify({ node_id: nodeId });
    writeDurably(path, new TextEncoder().encode(`${text}\n`));
    return nodeId;
  }
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return NodeFile.parse(json).node_id;
  } catch (cause) {
    throw new LucidError(
      "data/unreadable",
      "unavailable",
      `Cannot read ${path}: it does not hold this node's id; restore it from a backup`,
      { cause },
    );
  }
}

function runFolder(root: string): string {
  const inside = join(root, "run");
  const short = new TextEncoder().encode(inside).length <=
      SOCKET_FOLDER_BYTES_MAX
    ? inside
    : join(
      "/tmp",
      `lucid-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`,
    );
  // Sockets of a life before this one lead nowhere.
  removeIfThere(short);
  Deno.mkdirSync(short, { mode: 0o700 });
  return short;
}
