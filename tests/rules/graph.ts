/**
 * What Deno would really load: the import graph as `deno info --json` resolves it, judged by the
 * same table as the lint plugin. Lint sees a file; this sees where its imports lead.
 *
 * @module
 */
import {
  complaints,
  layerOf,
  LAYERS,
  PROTOCOLS,
} from "../../scripts/layers.ts";

/** Folders that hold no code of ours. */
const NOT_OURS = /^(\.|node_modules$|coverage$|data$|demo$|docs$)/;

/** Deno's answer, as far as it is read here. */
interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: Resolved;
      readonly type?: Resolved;
    }[];
  }[];
}

interface Resolved {
  readonly specifier?: string;
  readonly error?: string;
}

/** One import: the file, what it wrote, and the file or package that Deno makes of it. */
interface Edge {
  readonly from: string;
  readonly specifier: string;
  readonly to: string;
}

/**
 * Everything that is wrong with the imports under `root`, as sorted sentences `file: complaint`.
 *
 * @param root Absolute path of a project with a deno.json, ending in a slash.
 */
export async function graphComplaints(root: string): Promise<string[]> {
  const files = await sources(root);
  const edges = await readGraph(root, files);
  const said = new Set<string>();
  for (const { from, specifier, to } of edges) {
    for (const one of complaints(from, asWritten(from, specifier, to))) {
      said.add(`${from}: ${one}`);
    }
  }
  for (const layer of Object.keys(LAYERS)) {
    const entries = files.filter((file) => layerOf(file) === layer);
    const loads = reach(edges, entries);
    for (const file of loads) {
      if (layerOf(file) === "tron" && layer !== "tron") {
        said.add(`${layer}: Cannot reach ${file}: it is kept apart`);
      }
      if (
        layerOf(file) === "actors" && PROTOCOLS[layer]?.test(file) === false
      ) {
        said.add(`${layer}: Cannot reach ${file}: it may know protocols only`);
      }
    }
  }
  return [...said].sort();
}

/**
 * All files and packages that `entries` load, in any number of steps, themselves included.
 *
 * @param edges As {@linkcode readGraph} gave them.
 * @param entries Paths from the root.
 */
export function reach(
  edges: readonly Edge[],
  entries: readonly string[],
): Set<string> {
  const next = Map.groupBy(edges, ({ from }) => from);
  const seen = new Set(entries);
  for (const file of seen) {
    for (const { to } of next.get(file) ?? []) seen.add(to);
  }
  return seen;
}

/**
 * Ask Deno for every import of `files`, and of what they lead to under `root`.
 *
 * @throws Error where Deno cannot read a file of ours: a graph with holes proves nothing.
 */
export async function readGraph(
  root: string,
  files: readonly string[],
): Promise<Edge[]> {
  const base = new URL(`file://${root}`).href;
  const edges: Edge[] = [];
  const done = new Set<string>();
  for (const file of files) {
    if (done.has(file)) continue;
    for (const module of (await info(root, file)).modules) {
      if (!module.specifier.startsWith(base)) continue;
      const from = module.specifier.slice(base.length);
      if (done.has(from)) continue;
      done.add(from);
      if (module.error !== undefined) {
        throw new Error(`Cannot read ${from}: ${module.error}`);
      }
      for (const { specifier, code, type } of module.dependencies ?? []) {
        const found = code?.specifier ?? type?.specifier;
        if (found === undefined) {
          const why = code?.error ?? type?.error;
          throw new Error(`Cannot follow "${specifier}" in ${from}: ${why}`);
        }
        const to = found.startsWith(base) ? found.slice(base.length) : found;
        edges.push({ from, specifier, to });
      }
    }
  }
  return edges;
}

/** Every TypeScript file under `root`, as paths from there. */
export async function sources(root: string): Promise<string[]> {
  const files: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(root + folder)) {
      if (NOT_OURS.test(name)) continue;
      if (isDirectory) await walk(`${folder}${name}/`);
      else if (name.endsWith(".ts")) files.push(folder + name);
    }
  };
  await walk("");
  return files.sort();
}

async function info(root: string, file: string): Promise<Info> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", file],
    cwd: root,
  }).output();
  if (!success) {
    const said = new TextDecoder().decode(stderr);
    throw new Error(`Cannot read the graph of ${file}: ${said}`);
  }
  return JSON.parse(new TextDecoder().decode(stdout)) as Info;
}

/** A name that the import map leads to a file of ours is judged as that file, whatever it is called. */
function asWritten(from: string, specifier: string, to: string): string {
  const mapped = !/^[a-z]+:/.test(to) && !specifier.startsWith(".") &&
    !specifier.startsWith("@lucid/");
  return mapped
    ? "../".repeat(from.split("/").length - 1) + `./${to}`
    : specifier;
}
