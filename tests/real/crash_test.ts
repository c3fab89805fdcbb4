/**
 * Lucid is killed at each of its named points, three times in one data folder, in the middle of a
 * recording; and every promise is held to afterwards.
 *
 * One session is recorded through all lives. In some of them a second, short one is recorded beside it,
 * stopped and anchored, so that the blow falls while something is being anchored.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Home, type Lucid, until } from "../support/lucid.ts";
import {
  assertKeysDiffer,
  blocksOf,
  chunksOf,
  complete,
  finalAnchors,
  holdToPromises,
  record,
  recorded,
  sessionsOf,
} from "./recording.ts";

/** A life of Lucid that ends when a point is passed for the count-th time. */
interface Life {
  readonly count: number;
  /** Whether a second session is recorded and anchored meanwhile. */
  readonly anchoring?: true;
}

/** Each count is such that the blow falls when recording, or anchoring, is under way. */
const POINTS: Readonly<Record<string, readonly Life[]>> = {
  "segment-write": [{ count: 3 }, { count: 2 }, { count: 1 }],
  "segment-fsync": [{ count: 2 }, { count: 1 }, { count: 3 }],
  "report": [{ count: 2 }, { count: 3 }, { count: 1 }],
  "actor-commit": [
    { count: 14 },
    { count: 30, anchoring: true },
    { count: 40, anchoring: true },
  ],
  "actor-rows": [{ count: 2 }, { count: 1 }, { count: 3 }],
  "wal-record": [
    { count: 1, anchoring: true },
    { count: 1, anchoring: true },
    { count: 1, anchoring: true },
  ],
  // The second life dies while it finishes the block of the first.
  "signed": [
    { count: 1, anchoring: true },
    { count: 1 },
    { count: 2, anchoring: true },
  ],
  "log-append": [
    { count: 1, anchoring: true },
    { count: 1, anchoring: true },
    { count: 1, anchoring: true },
  ],
  "between-blocks": [
    { count: 1, anchoring: true },
    { count: 1, anchoring: true },
    { count: 1, anchoring: true },
  ],
};

/** A life that lasts longer has missed its point. */
const LIFE_MS = 25_000;

/** What somebody outside has been shown, and may rely on for ever. */
class Witness {
  /** `leaf …`, `block …` and `trust` to their bytes, ids and text. */
  readonly seen = new Map<string, string>();

  /** Look at everything; what was there before must still be there, unchanged. */
  async look(lucid: Lucid): Promise<void> {
    const now = new Map([["trust", await lucid.text("/chain/trust")]]);
    for (const [height, blockId] of await blocksOf(lucid)) {
      now.set(`block ${height}`, blockId);
    }
    for (const { session_id: id } of await sessionsOf(lucid)) {
      for (const { sequence_number, leaf } of await chunksOf(lucid, id)) {
        now.set(`leaf ${id}/${sequence_number}`, leaf);
      }
    }
    for (const [name, value] of this.seen) {
      assert.equal(now.get(name), value, `${name} is gone or has changed`);
    }
    for (const [name, value] of now) this.seen.set(name, value);
  }

  /** Open every chunk that was ever shown. */
  async open(lucid: Lucid): Promise<void> {
    for (const name of this.#names("leaf")) {
      const [id, index] = name.slice("leaf ".length).split("/");
      const path = `/sessions/${id}/chunks/${index}?form=plain`;
      const response = await lucid.call(path);
      const text = await response.text();
      // 409: it is a gap, and says so.
      assert.ok([200, 409].includes(response.status), `${name}: ${text}`);
    }
  }

  /** How many of a kind were seen. */
  count(kind: string): number {
    return this.#names(kind).length;
  }

  #names(kind: string): string[] {
    return [...this.seen.keys()].filter((name) => name.startsWith(kind));
  }
}

for (const [point, lives] of Object.entries(POINTS)) {
  Deno.test(`Lucid killed at ${point} goes on where it stopped, ${lives.length} times`, async () => {
    await using home = await Home.make();
    const witness = new Witness();
    let hits = 0;
    let main = "";
    for (const { count, anchoring } of lives) {
      const lucid = home.launch({ CRASH_AT: `${point}:${count}` });
      const story = async () => {
        await lucid.up;
        await witness.look(lucid);
        await witness.open(lucid);
        main ||= await record(lucid);
        await Promise.all([
          watch(lucid, witness),
          anchoring && anchorBeside(lucid),
        ]);
      };
      await untilKilled(lucid, story);
      hits += 1;
      assert.ok(witness.count("leaf") > 0, "it had been recording");
      await home.deserted();
    }
    assert.equal(hits, 3);

    const lucid = await home.start();
    await witness.look(lucid);
    await witness.open(lucid);
    const before = (await chunksOf(lucid, main)).length;
    const chunks = await recorded(lucid, main, before + 2);
    const gaps = chunks.filter(({ status }) => status === "gap");
    assert.ok(gaps.length >= 1, "the interruptions are gaps");
    for (const { reason } of gaps) {
      assert.match(reason!, /^the recorder (was restarted|began late)$/);
    }
    const leaves = [];
    const sessions = await sessionsOf(lucid);
    for (const { session_id: id, status } of sessions) {
      if (status === "created") await lucid.delete(`/sessions/${id}`);
      else {
        const { failed, failure } = await complete(lucid, id);
        assert.ok(!failed, failure);
        leaves.push(...await holdToPromises(lucid, id));
      }
    }
    assertKeysDiffer(leaves);
    await witness.look(lucid);
    const anchors = await finalAnchors(lucid);
    for (const { session_id: id } of await sessionsOf(lucid)) {
      assert.equal(anchors.get(id), 1, `final anchors of ${id}`);
    }
    await lucid.stop();
    await home.deserted();
    const errors = (await home.log()).filter(({ level }) => level === "error");
    assert.deepEqual(errors, []);
    table(point, {
      hits,
      sessions: anchors.size,
      chunks: leaves.length,
      gaps: gaps.length,
      blocks: witness.count("block") - 1,
    });
  });
}

/** Tell a story until Lucid dies in it; it must die by its own hand, and only then may the story break off. */
async function untilKilled(
  lucid: Lucid,
  story: () => Promise<unknown>,
): Promise<void> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void lucid.kill();
  }, LIFE_MS);
  const broken = story().then(
    () => undefined,
    async (error) => {
      // A request that was under way breaks off a moment before the end is known.
      await until("it has ended", () => lucid.hasEnded, 500).catch(() => {});
      if (!lucid.hasEnded) await lucid.kill();
      else if (!(error instanceof assert.AssertionError)) return;
      return error;
    },
  );
  const { signal } = await lucid.ended;
  clearTimeout(timer);
  const error = await broken;
  if (error !== undefined) throw error;
  assert.ok(!late, `It should have passed its point within ${LIFE_MS} ms`);
  // Where it could not even start, this says why.
  if (signal !== "SIGKILL") await lucid.up;
  assert.equal(signal, "SIGKILL");
}

/** Look again and again, until there is nobody to look at. */
async function watch(lucid: Lucid, witness: Witness): Promise<void> {
  await until("Lucid dies", async () => {
    await witness.look(lucid);
    return lucid.hasEnded;
  }, LIFE_MS);
}

async function anchorBeside(lucid: Lucid): Promise<void> {
  const id = await record(lucid);
  await recorded(lucid, id, 1);
  await complete(lucid, id);
}

function table(point: string, counts: Readonly<Record<string, number>>): void {
  const words = Object.entries(counts).map(([name, count]) =>
    `${String(count).padStart(3)} ${name}`
  );
  Deno.stdout.writeSync(
    new TextEncoder().encode(`${point.padEnd(15)}${words.join("  ")}\n`),
  );
}
