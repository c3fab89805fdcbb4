/**
 * Asks within one process: what an actor costs over a function.
 *
 * @module
 */
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { type Figure, figureOf } from "./figure.ts";
import { compare } from "./measure.ts";
import { Note, noteHost, TEXT, Unchecked } from "./note.ts";
import { rawAsk } from "./raw_local_ask.ts";

const ASKS = 100_000;
const AGAINST = "a look-up, a function and a promise";

/** One after the other, with the input's schema on and off. */
export async function localAskFigures(): Promise<readonly Figure[]> {
  await using ends = new AsyncDisposableStack();
  const host = noteHost({ node: "n1", store: openMemoryStore() });
  ends.defer(() => host.drain());
  const input = { text: TEXT };
  await host.ask(Note, "note/a", "write", input);
  await host.ask(Unchecked, "unchecked/a", "write", input);
  const baseline = () => microseconds(() => rawAsk("note/a", "read"));
  const off = await compare({
    ours: () =>
      microseconds(() => host.ask(Unchecked, "unchecked/a", "read", input)),
    baseline,
  });
  const on = await compare({
    ours: () => microseconds(() => host.ask(Note, "note/a", "read", input)),
    baseline,
  });
  return [
    figureOf({
      figure: "local ask that changes nothing, validation off",
      unit: "µs",
      against: AGAINST,
      pair: off.us,
      bar: { of: "ours", is: "≤", limit: 1 },
    }),
    figureOf({
      figure: "local ask that changes nothing, validation on",
      unit: "µs",
      against: AGAINST,
      pair: on.us,
      bar: { of: "ours", is: "≤", limit: 2.5 },
    }),
  ];
}

/** Each on average: one alone is shorter than a tick of the clock. */
async function microseconds(
  ask: () => Promise<unknown>,
): Promise<{ readonly us: number }> {
  const began = performance.now();
  for (let asks = 0; asks < ASKS; asks++) await ask();
  return { us: 1_000 * (performance.now() - began) / ASKS };
}
