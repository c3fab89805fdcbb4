/**
 * What is stored before anything is said: asks that commit beside bare commits of the same documents in the same
 * SQLite file, and the store's commits beside bare SQLite. All with `synchronous = FULL`.
 *
 * @module
 */
import type { Store, Stored } from "@lucid/runtime";
import { openSqliteStore } from "@lucid/runtime/stores/sqlite";
import { type Figure, figureOf } from "./figure.ts";
import { temporaryFolder } from "./temporary_folder.ts";
import { allAtOnce, compare, compareOneByOne } from "./measure.ts";
import { Note, noteHost, TEXT } from "./note.ts";
import { openRawTable } from "./raw_commits.ts";

const ACTORS = 4_096;
const ALONE = 200;
/** Twice the store's group: one is under way while the next gathers. */
const IN_FLIGHT = 1_024;
/** As many answers as the actors that are asked hold half-way through. */
const ANSWERS = 4;

/** One commit in flight, then a thousand. */
export async function commitFigures(): Promise<readonly Figure[]> {
  await using folder = await temporaryFolder();
  await using ends = new AsyncDisposableStack();
  const store = await openSqliteStore({
    path: `${folder.path}/documents.sqlite`,
  });
  ends.defer(() => store.close());
  const host = noteHost({ node: "n1", store });
  ends.defer(() => host.drain());
  const all = { count: ACTORS, inFlight: IN_FLIGHT };
  let asks = 0;
  const write = (name: string) => (index: number): Promise<unknown> =>
    host.ask(Note, `note/${name}${index}`, "write", { text: TEXT }, {
      op: `op-${asks++}`,
    });
  const bare = new BareCommits(store);
  for (let n = 0; n < ANSWERS; n++) await allAtOnce(all, write("bare"));
  await allAtOnce(all, (index) => bare.load(`bare${index}`));
  const documents = bare.documents;
  using raw = openRawTable(`${folder.path}/raw.sqlite`, documents);

  const alone = await compareOneByOne(ALONE, {
    ours: write("asked"),
    baseline: (index) => bare.commit(`bare${index}`),
  });
  const together = await compare({
    ours: () => allAtOnce(all, write("asked")),
    baseline: () => allAtOnce(all, (index) => bare.commit(`bare${index}`)),
  });
  const grouped = await compare({
    ours: () => allAtOnce(all, (index) => bare.commit(`bare${index}`)),
    baseline: () => raw.commitAll(),
  });
  const against = "the bare commit of such a document to the same store";
  return [
    figureOf({
      figure: "committing ask, 1 in flight: p50",
      unit: "µs",
      against,
      pair: alone.p50Us,
    }),
    figureOf({
      figure: "committing ask, 1 in flight: p99",
      unit: "µs",
      against,
      pair: alone.p99Us,
    }),
    figureOf({
      figure: "committing ask, 1,024 in flight",
      unit: "asks/s",
      against,
      pair: together.perSecond,
    }),
    figureOf({
      figure: "SQLite commits, grouped, synchronous = FULL",
      unit: "commits/s",
      against: "bare node:sqlite, 512 conditional updates a transaction",
      pair: grouped.perSecond,
      bar: { of: "ours", is: "≥", limit: 20_000 },
    }),
  ];
}

/** Documents that are written without anybody deciding. */
class BareCommits {
  readonly #store: Store;
  readonly documents = new Map<string, Stored>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Take a document over from the actor that made it. */
  async load(id: string): Promise<void> {
    const fence = { epoch: 2, incarnation: "bench", activation: 1 };
    const key = { collection: Note.collection, id };
    const loaded = await this.#store.load(key, fence);
    if (loaded.found !== "document") {
      throw new Error(`Cannot load ${id}: ${loaded.found}`);
    }
    this.documents.set(id, loaded.document);
  }

  async commit(id: string): Promise<void> {
    const before = this.documents.get(id)!;
    const { fence, version } = before._rt;
    const document = {
      ...before,
      _rt: { ...before._rt, version: version + 1 },
    };
    const { collection } = Note;
    const write = { collection, id, fence, version, document };
    if (await this.#store.commit(write) === "refused") {
      throw new Error(`Cannot commit ${id}: it was refused`);
    }
    this.documents.set(id, document);
  }
}
