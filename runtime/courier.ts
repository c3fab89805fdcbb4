/**
 * Carries out what an actor's outbox holds: tells to their receivers, in order per pair, and
 * effects to the hands, one at a time per key; each again and again with back-off until it is
 * done. It remembers only what is under way, so a crash costs a repetition and nothing else.
 *
 * @module
 */
import { retryAfterMs } from "./agenda.ts";
import type { Cell } from "./cell.ts";
import type { OutboxItem, TellItem, WorkItem } from "./document.ts";
import { Message, type Outcome } from "./message.ts";
import type { World } from "./world.ts";

/** How long a tell waits to be taken before it is sent again: its frame may be lost. */
const TELL_WITHIN_MS = 5_000;
/** Failures of an effect that are part of ordinary life: a child that starts, a disk that blinks. */
const EFFECT_QUIET_ATTEMPTS = 3;

/** The deliveries of one actor. */
export class Courier {
  readonly #cell: Cell;
  readonly #world: World;
  /** Lanes with something under way: a receiver, or an effect and its key. */
  readonly #lanes = new Set<string>();
  /** Numbers of the items that arrived and still stand in the document. */
  readonly delivered = new Set<number>();

  /** A courier for `cell`. */
  constructor(cell: Cell, world: World) {
    this.#cell = cell;
    this.#world = world;
  }

  /** Start what can start: the first item of each lane that is free. */
  pump(items: readonly OutboxItem[]): void {
    const taken = new Set(this.#lanes);
    for (const item of items) {
      if (this.delivered.has(item.number)) continue;
      const lane = laneOf(item);
      if (taken.has(lane)) continue;
      taken.add(lane);
      this.#lanes.add(lane);
      if ("tell" in item) this.#tell(item, 1);
      else void this.#perform(item);
    }
  }

  /** A commit has let go of the items that are no longer in `items`. */
  committed(items: readonly OutboxItem[]): void {
    const standing = new Set(items.map(({ number }) => number));
    for (const number of this.delivered) {
      if (!standing.has(number)) this.delivered.delete(number);
    }
  }

  #done(item: OutboxItem): void {
    this.#lanes.delete(laneOf(item));
    this.delivered.add(item.number);
    this.committed(this.#cell.outbox);
    this.pump(this.#cell.outbox);
    if (this.delivered.size > 0) this.#cell.tidySoon();
  }

  #tell(item: TellItem, attempt: number): void {
    const { tell, command, input, number } = item;
    const sender = this.#cell.address;
    const source = {
      from: "tell",
      tell: { sender, birth: this.#cell.birth, number },
    } as const;
    const withinMs = TELL_WITHIN_MS;
    const message = new Message(
      { source, command, input, withinMs },
      (outcome) => {
        if (!("failed" in outcome)) return this.#done(item);
        this.#world.log.debug("tell not taken", {
          sender,
          receiver: tell,
          command,
          code: outcome.failed,
        });
        this.#world.agenda.after(
          retryAfterMs(attempt),
          () => this.#tell(item, attempt + 1),
        );
      },
    );
    this.#world.deliver(tell, message);
  }

  async #perform(item: WorkItem): Promise<void> {
    const { address, parsed } = this.#cell;
    const name = `${parsed.kind}.${item.perform}`;
    const { node, id } = parsed;
    const { key, input } = item;
    for (let attempt = 1; !this.#world.signal.aborted; attempt++) {
      try {
        const effect = this.#world.effects[name];
        if (effect === undefined) throw new Error(`No effect named ${name}`);
        const { signal } = this.#world;
        const answer = await effect({ address, node, id, key, input, signal });
        return this.#answer(item, answer, 1);
      } catch (error) {
        if (this.#world.signal.aborted) return;
        this.#world.counts.retries++;
        const level = attempt < EFFECT_QUIET_ATTEMPTS ? "info" : "warn";
        this.#world.log[level]("effect not done", {
          address,
          effect: name,
          key,
          attempt,
          error,
        });
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#world.agenda.after(retryAfterMs(attempt), resolve);
        await promise;
      }
    }
  }

  #answer(item: WorkItem, input: unknown, attempt: number): void {
    if (this.#world.signal.aborted) return;
    const source = { from: "effect", number: item.number } as const;
    const command = item.answer;
    const settle = (outcome: Outcome): void => {
      if (!("failed" in outcome)) return this.#done(item);
      this.#world.agenda.after(
        retryAfterMs(attempt),
        () => this.#answer(item, input, attempt + 1),
      );
    };
    this.#cell.receive(new Message({ source, command, input }, settle));
  }
}

function laneOf(item: OutboxItem): string {
  return "tell" in item ? item.tell : `${item.perform} ${item.key}`;
}
