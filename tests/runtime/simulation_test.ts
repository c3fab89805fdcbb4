/**
 * The shipped host in a world by seed: answers get lost, writes land late and out of order, the
 * process dies at any point and comes back. Whatever was acknowledged must be there, once.
 * A failure names its seed: `SEED=17 deno test -A tests/runtime/simulation_test.ts`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  type Host,
  type Outcome,
  soleClaims,
  type Store,
  type Work,
} from "@lucid/runtime";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import {
  type Faults,
  faultyStore,
  manualClock,
  type SeededRandom,
  seededRandom,
  settled,
} from "@lucid/runtime/testing";
import { heardBy, Ledger, testHost } from "./sample.ts";

const SEEDS = 60;
const IDS = ["a", "b", "c"];
const FAULTS: Faults = {
  lost: 0.03,
  unanswered: 0.05,
  late: 0.04,
  slow: 0.3,
  lateMs: 12_000,
};
/** Steps of the story; in each, one thing is asked of one actor. */
const STEPS = 120;

interface Life {
  readonly host: Host;
  alive: boolean;
}

/** What one world saw, and how to look into it when all is calm. */
interface Story {
  readonly store: Store;
  readonly asked: Map<
    string,
    { id: string; command: string; input: Record<string, unknown> }
  >;
  readonly answers: Map<string, unknown>;
  readonly performed: Map<string, number>;
  readonly deaths: Map<string, number>;
  readonly trace: string;
}

async function live(seed: number, faults = FAULTS): Promise<Story> {
  const random = seededRandom(seed);
  const clock = manualClock();
  const store = openMemoryStore();
  const trace = createHash("sha256");
  const story = {
    store,
    asked: new Map(),
    answers: new Map(),
    performed: new Map(),
    deaths: new Map(),
  };
  let boots = 0;
  let calm = false;
  let life: Life;
  const die = (where: string): void => {
    if (!life.alive) return;
    life.alive = false;
    story.deaths.set(where, (story.deaths.get(where) ?? 0) + 1);
    trace.update(`death ${where} ${clock.elapsedMs()};`);
    clock.after(random.below(3_000), () => void (life = boot()));
  };
  const boot = (): Life => {
    const mine: Life = { host: undefined as unknown as Host, alive: true };
    const alive = (): boolean => mine.alive;
    const rates = { ...faults };
    const calmFaults = { lost: 0, unanswered: 0, late: 0, slow: 0, lateMs: 0 };
    const faulty = faultyStore(store, {
      clock,
      random,
      alive,
      get faults() {
        return calm ? calmFaults : rates;
      },
    });
    const fetch = async ({ key }: Work): Promise<unknown> => {
      if (!alive()) return await new Promise(() => {});
      story.performed.set(key, (story.performed.get(key) ?? 0) + 1);
      if (!calm && random.chance(0.2)) throw new Error("not yet");
      return { word: key };
    };
    const { host } = testHost({
      clock,
      store: faulty,
      random: seededRandom(seed * 1000 + ++boots),
      claims: soleClaims(boots),
      effects: { "ledger.fetch": fetch },
      limits: { idleMs: 15_000 },
      points: (name) => {
        trace.update(`${name};`);
        if (!calm && mine.alive && random.chance(0.02)) die(name);
      },
    });
    return Object.assign(mine, { host });
  };
  life = boot();
  const pursue = async (op: string): Promise<void> => {
    const { id, command, input } = story.asked.get(op)!;
    while (!story.answers.has(op)) {
      const asked = life;
      const answer = await Promise.race<Outcome | undefined>([
        asked.host.request(`ledger/${id}`, command, input, { op }),
        new Promise((resolve) =>
          void clock.after(6_000, () => resolve(undefined))
        ),
      ]);
      // A dead process answers nobody, whatever its memory still does.
      if (asked.alive && answer !== undefined && "reply" in answer) {
        story.answers.set(op, answer.reply);
        trace.update(`${op} ${JSON.stringify(answer.reply)};`);
      } else {await new Promise<void>((resolve) =>
          void clock.after(200, resolve)
        );}
    }
  };
  const pursuits: Promise<void>[] = [];
  for (let step = 0; step < STEPS; step++) {
    const op = `op-${step}`;
    story.asked.set(op, anything(random, step));
    pursuits.push(pursue(op));
    if (random.chance(0.03)) die("between");
    await clock.advance(random.below(400));
  }
  calm = true;
  for (let i = 0; i < 40 && story.answers.size < STEPS; i++) {
    await clock.advance(5_000);
  }
  await clock.advance(60_000);
  await Promise.all(pursuits);
  await life.host.drain();
  await settled();
  return { ...story, trace: trace.digest("hex") };
}

function anything(random: SeededRandom, step: number) {
  const id = IDS[random.below(IDS.length)]!;
  switch (random.below(3)) {
    case 0:
      return { id, command: "add", input: { by: 1 } };
    case 1: {
      const to = IDS.filter(() => random.chance(0.6)).map((other) =>
        `ledger/${other}`
      );
      return { id, command: "pass", input: { to, word: `w${step}` } };
    }
    default:
      return { id, command: "work", input: { key: `k${step}` } };
  }
}

/** What must be true of any world in which nothing more happens. */
async function check(
  { store, asked, answers, performed }: Story,
): Promise<void> {
  assert.equal(answers.size, asked.size, "everything was answered in the end");
  const all = [...asked];
  for (const id of IDS) {
    const fields = (await store.get({ collection: "ledgers", id }))?.fields;
    const adds = all.filter(([, ask]) =>
      ask.id === id && ask.command === "add"
    );
    const sums = adds.map(([op]) => (answers.get(op) as { sum: number }).sum);
    assert.equal(
      fields?.["sum"] ?? 0,
      adds.length,
      `ledger ${id} counted each add once`,
    );
    assert.deepEqual(
      sums.toSorted((a, b) => a - b),
      adds.map((_, i) => i + 1),
      "each add had a sum of its own",
    );
    const rows = await store.list("entries", { prefix: `${id}/`, limit: 500 });
    assert.equal(rows.items.length, adds.length, "one row an add");
    const heard = (fields?.["heard"] ?? []) as string[];
    const told = all.filter(([, { command, input }]) =>
      command === "pass" && (input["to"] as string[]).includes(`ledger/${id}`)
    );
    const worked = all.filter(([, ask]) =>
      ask.command === "work" && ask.id === id
    );
    const words = [
      ...told.map(([, { input }]) => input["word"]),
      ...worked.map(([, { input }]) => input["key"]),
    ];
    assert.deepEqual(
      heard.toSorted(),
      (words as string[]).toSorted(),
      `ledger ${id} heard each word once`,
    );
  }
  for (const [, { command, input }] of all) {
    if (command === "work") {
      assert((performed.get(String(input["key"])) ?? 0) >= 1);
    }
  }
  const places = [...Array(256).keys(), "n1"];
  const due = await store.due({
    collection: "ledgers",
    places,
    untilMs: Infinity,
    limit: 10,
  });
  assert.deepEqual(due.items, [], "nothing is left to be done");
}

Deno.test("simulation: what was acknowledged is there, once, whatever crashed", async () => {
  const given = Deno.env.get("SEED");
  const seeds = given === undefined
    ? Array.from({ length: SEEDS }, (_, i) => i + 1)
    : [Number(given)];
  const deaths = new Map<string, number>();
  for (const seed of seeds) {
    try {
      const story = await live(seed);
      await check(story);
      for (const [where, count] of story.deaths) {
        deaths.set(where, (deaths.get(where) ?? 0) + count);
      }
    } catch (cause) {
      throw new Error(`SEED=${seed}: ${(cause as Error).message}`, { cause });
    }
  }
  if (given !== undefined) return;
  for (const where of ["actor-commit", "actor-rows", "between"]) {
    assert((deaths.get(where) ?? 0) >= 3, `died at ${where} often enough`);
  }
});

Deno.test("simulation: the same seed gives the same world", async () => {
  const [first, second, other] = [await live(5), await live(5), await live(6)];
  assert.equal(first.trace, second.trace);
  assert.notEqual(first.trace, other.trace);
});

Deno.test("simulation: tells of one sender arrive in the order they were sent", async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const clock = manualClock();
    const random = seededRandom(seed);
    const store = openMemoryStore();
    const faulty = faultyStore(store, {
      clock,
      random,
      faults: FAULTS,
      alive: () => true,
    });
    const { host } = testHost({ clock, store: faulty });
    const words = Array.from({ length: 50 }, (_, i) => `w${i + 10}`);
    let told = 0;
    const tellAll = async (): Promise<void> => {
      for (const word of words) {
        await host.report(Ledger, "ledger/a", "pass", {
          to: ["ledger/b"],
          word,
        }, { op: word });
        told++;
      }
    };
    const all = tellAll();
    while (told < words.length) await clock.advance(1_000);
    await all;
    await clock.advance(120_000);
    assert.deepEqual(await heardBy(store, "b"), words, `seed ${seed}`);
    await host.drain();
  }
});
