/**
 * One actor in memory: a bounded mailbox, one message at a time, and the rule that a reply, a tell
 * or an event leaves only after the document that makes it true is stored. Whenever it cannot know
 * what the store holds it loads again under a higher activation, so that a late write of its own
 * has either landed and is read, or is refused for ever.
 *
 * @module
 */
import type { Context } from "./actor.ts";
import { type Address, formatAddress } from "./address.ts";
import { type Alarm, retryAfterMs } from "./agenda.ts";
import { Courier } from "./courier.ts";
import {
  advance,
  type Change,
  isTaken,
  LETTERS_TABLE,
  OUTBOX_MAX,
  type OutboxItem,
  type Runtime,
  SPILL_MAX,
} from "./document.ts";
import {
  BUSY,
  Message,
  MOVED,
  nameOf,
  type Outcome,
  POISONED,
  repeat,
  TAKEN,
  type TellId,
  THREW,
  UNKNOWN,
  UNREADABLE,
} from "./message.ts";
import { recallAnswer, recallMark } from "./recall.ts";
import { Reminders } from "./reminders.ts";
import type { StoredRow } from "./store.ts";
import { type AnyBehavior, type Next, takeTurn } from "./turn.ts";
import { Throws } from "./throws.ts";
import { Vault } from "./vault.ts";
import type { World } from "./world.ts";

/** Messages that wait for one actor. 512 at 1 ms each is half a second: past that, later is better. */
const MAILBOX_MAX = 512;
/** A decision holds up everybody on the node. */
const SLOW_MS = 50;
/** How long what was delivered may stand in the document while no other commit takes it out. */
const TIDY_AFTER_MS = 1_000;
/** A tell that throws so often is put aside, so that what comes behind it goes on. */
const THROWS_MAX = 3;
/** So many different messages that throw within a minute: the actor is broken, not the messages. */
const THROWERS_MAX = 5;

/** What a cell is doing. Only a `ready` one takes messages. */
type Phase = "loading" | "ready" | "working" | "poisoned" | "gone";

/** Whether a cell waits for the store. */
function isActive(phase: Phase): boolean {
  return phase === "loading" || phase === "working";
}

const NO_ITEMS: ReadonlySet<number> = new Set();

/** One actor in memory. */
export class Cell {
  readonly address: string;
  readonly parsed: Address;
  readonly #behavior: AnyBehavior;
  readonly #world: World;
  readonly #vault: Vault;
  #phase: Phase = "ready";
  #mailbox: Message[] = [];
  #courier: Courier | undefined;
  /** Commits since the last that went through. */
  #failures = 0;
  #tidying: Alarm | undefined;
  /** From the first reminder on: most actors never set one. */
  #reminders: Reminders | undefined;
  #throws: Throws | undefined;
  /** When it last took a message, on the monotonic clock. */
  usedAtMs: number;

  /** An actor whose document is still to be loaded. */
  constructor(parsed: Address, behavior: AnyBehavior, world: World) {
    this.address = formatAddress(parsed);
    this.parsed = parsed;
    this.#behavior = behavior;
    this.#world = world;
    this.usedAtMs = world.clock.elapsedMs();
    this.#vault = new Vault(parsed, behavior, world);
    this.#load();
  }

  /** Birth of its document, which names its tells. */
  get birth(): string {
    return this.#runtime.outbox.birth;
  }

  /** What must still happen. */
  get outbox(): readonly OutboxItem[] {
    return this.#runtime.outbox.items;
  }

  /** When which command is to be sent to oneself. */
  get reminders(): Runtime["reminders"] {
    return this.#runtime.reminders;
  }

  /** Take a message now, later, or not at all. */
  receive(message: Message): void {
    if (this.#phase === "ready" && this.#mailbox.length === 0) {
      this.#take(message);
      return this.#rest();
    }
    if (this.#phase === "poisoned") return message.settle(POISONED);
    if (this.#phase === "gone") {
      return this.#world.deliver(this.address, message);
    }
    if (this.#mailbox.length >= MAILBOX_MAX) {
      this.#mailbox = this.#mailbox.filter(({ settled }) => !settled);
    }
    if (this.#mailbox.length >= MAILBOX_MAX) return this.#busy(message);
    this.#mailbox.push(message);
  }

  /** Look again at what must still happen: the host found it due. */
  wake(): void {
    if (this.#phase === "ready") this.#wake();
  }

  /** Leave memory if nothing holds it here. */
  passivate(): boolean {
    const { outbox, spill } = this.#runtime;
    const held = this.#phase !== "ready" || outbox.items.length > 0 ||
      spill.length > 0 || this.#reminders?.near === true;
    if (!held) this.#leave();
    return !held;
  }

  /** Deliveries wait to be taken out of the document. */
  tidySoon(): void {
    this.#tidying ??= this.#world.agenda.after(TIDY_AFTER_MS, () => {
      this.#tidying = undefined;
      this.receive(
        new Message(
          { source: { from: "tidy" }, command: "", input: null },
          () => {},
        ),
      );
    });
  }

  #enter(phase: Phase): void {
    const wasActive = isActive(this.#phase);
    this.#phase = phase;
    if (isActive(phase) !== wasActive) this.#world.active(wasActive ? -1 : 1);
  }

  #next(): void {
    this.#enter("ready");
    while (this.#phase === "ready" && this.#mailbox.length > 0) {
      this.#take(this.#mailbox.shift()!);
    }
    this.#rest();
  }

  /** An actor that nobody has written to is not kept. */
  #rest(): void {
    if (
      this.#phase === "ready" && this.#mailbox.length === 0 &&
      this.#runtime.version === 0 && this.#throws === undefined
    ) this.#leave();
  }

  #leave(): void {
    this.#enter("gone");
    this.#tidying?.cancel();
    this.#reminders?.cancel();
    this.#world.release(this);
  }

  #take(message: Message): void {
    if (message.settled) return;
    this.usedAtMs = this.#world.clock.elapsedMs();
    const { source } = message;
    switch (source.from) {
      case "ask": {
        if (source.op === "") break;
        const { answers, spilled } = this.#runtime.seen;
        const answer = answers.find(({ op }) => op === source.op);
        if (answer !== undefined) return repeat(message, answer);
        if (spilled.includes("answers")) {
          return this.#lookUp(
            message,
            () => this.#lookUpAnswer(message, source.op),
          );
        }
        break;
      }
      case "tell": {
        const { sender } = source.tell;
        const { senders, spilled } = this.#runtime.seen;
        const mark = senders[sender];
        if (mark === undefined && spilled.includes("senders")) {
          return this.#lookUp(
            message,
            () => this.#lookUpMark(message, source.tell),
          );
        }
        if (isTaken(mark, source.tell)) return message.settle(TAKEN);
        break;
      }
      case "effect":
        if (!this.outbox.some(({ number }) => number === source.number)) {
          return message.settle(TAKEN);
        }
        break;
      case "reminder":
        if (this.#runtime.reminders[message.command]?.at !== source.atMs) {
          return message.settle(TAKEN);
        }
        break;
      case "tidy":
        if (
          this.#vault.copied > 0 || (this.#courier?.delivered.size ?? 0) > 0
        ) {
          this.#write(message, { outcome: TAKEN });
        }
        return;
    }
    this.#decide(message);
  }

  /** Look among the spilled rows before saying "never seen"; then the message goes on. */
  #lookUp(message: Message, look: () => Promise<void>): void {
    this.#enter("working");
    look().then(
      () => {
        if (!message.settled) this.#decide(message);
        // A decision that writes goes on by itself; one that does not ends here.
        if (this.#phase === "working" && message.settled) this.#next();
      },
      (error) => {
        this.#world.log.warn("rows not read", { address: this.address, error });
        message.settle(UNKNOWN);
        this.#next();
      },
    );
  }

  async #lookUpAnswer(message: Message, op: string): Promise<void> {
    const answer = await recallAnswer(this.#world.store, this.address, op);
    if (answer !== undefined) repeat(message, answer);
  }

  async #lookUpMark(message: Message, tell: TellId): Promise<void> {
    const { sender } = tell;
    const mark = await recallMark(this.#world.store, this.address, sender);
    if (mark === undefined) return;
    const { seen } = this.#runtime;
    const senders = { ...seen.senders, [sender]: mark };
    this.#vault.recall({ ...seen, senders });
    if (isTaken(mark, tell)) message.settle(TAKEN);
  }

  #decide(message: Message): void {
    const { clock, counts, newId } = this.#world;
    const { node, id } = this.parsed;
    const { from } = message.source;
    if (
      from !== "ask" &&
      (this.#throws?.count(nameOf(message)) ?? 0) >= THROWS_MAX
    ) {
      const because =
        `Cannot take ${message.command}: it threw ${THROWS_MAX} times`;
      return this.#consume(message, { code: "actor/threw", because });
    }
    counts.turns++;
    let turn;
    try {
      const context: Context = { id, node, now: clock.now(), newId };
      const { command, input } = message;
      turn = takeTurn(this.#behavior, this.#vault.state, {
        command,
        input,
        context,
      });
    } catch (error) {
      return this.#threw(message, error);
    }
    const tookMs = clock.elapsedMs() - this.usedAtMs;
    if (tookMs > SLOW_MS) {
      counts.slow++;
      this.#world.log.warn("decision slow", {
        address: this.address,
        command: message.command,
        tookMs,
      });
    }
    const { outcome, next } = turn;
    if (!("reply" in outcome)) {
      counts.refusals++;
      if (from === "ask") return message.settle(outcome);
      const code = "refused" in outcome ? outcome.refused : outcome.failed;
      return this.#consume(message, { code, because: outcome.because });
    }
    if (next === undefined && from === "ask") return message.settle(outcome);
    if (next !== undefined && !this.#fits(next)) return this.#busy(message);
    // What a decision replies is for those who asked.
    this.#write(message, { outcome: from === "ask" ? outcome : TAKEN, next });
  }

  #busy(message: Message): void {
    this.#world.counts.busy++;
    message.settle(BUSY);
  }

  #fits({ then, rows }: Next): boolean {
    const { outbox, spill } = this.#runtime;
    const items = outbox.items.length - (this.#courier?.delivered.size ?? 0);
    return items + then.length <= OUTBOX_MAX &&
      spill.length - this.#vault.copied + rows.length <= SPILL_MAX;
  }

  /** The message is done with, though it did nothing: what it was goes to the dead letters. */
  #consume(
    message: Message,
    why: { readonly code: string; readonly because: string },
  ): void {
    const { command, input, source } = message;
    const name = nameOf(message);
    this.#world.log.warn("message put aside", {
      address: this.address,
      message: name,
      command,
      ...why,
    });
    const letter: StoredRow = {
      table: LETTERS_TABLE,
      key: `${this.address}#${name}`,
      value: {
        receiver: this.address,
        command,
        input,
        source,
        ...why,
        at: this.#world.clock.now(),
      },
    };
    const parked = why.code === "actor/threw";
    this.#write(message, { outcome: TAKEN, letter, parked });
  }

  #write(
    message: Message,
    { outcome, next, letter, parked = false }: {
      readonly outcome: Outcome;
      readonly next?: Next | undefined;
      readonly letter?: StoredRow;
      readonly parked?: boolean;
    },
  ): void {
    const { clock, newId } = this.#world;
    const { source, command } = message;
    const before = this.#runtime;
    const done = this.#courier?.delivered ?? NO_ITEMS;
    const change: Change = {
      address: this.address,
      nowMs: clock.now(),
      newId,
      delivered: source.from === "effect"
        ? new Set(done).add(source.number)
        : done,
      copied: this.#vault.copied,
      then: next?.then ?? [],
      rows: letter === undefined ? next?.rows ?? [] : [letter],
      ...(source.from === "tell" && { taken: { tell: source.tell, parked } }),
      ...(source.from === "reminder" && { reminded: command }),
      ...(source.from === "ask" && source.op !== "" && "reply" in outcome &&
        { answer: { op: source.op, command, reply: outcome.reply } }),
    };
    const state = next === undefined ? this.#vault.state : next.state;
    this.#enter("working");
    this.#vault.commit(state, advance(before, change)).then(async (answer) => {
      if (answer !== "committed") return this.#again(message, answer);
      this.#failures = 0;
      if (this.#uncopied) await this.#copy();
      this.#speak(message, outcome, next);
    });
  }

  get #runtime(): Runtime {
    return this.#vault.runtime;
  }

  /** The document carries rows that are not yet in their tables. */
  get #uncopied(): boolean {
    return this.#runtime.spill.length > this.#vault.copied;
  }

  async #copy(): Promise<void> {
    if (await this.#vault.copyRows()) return this.tidySoon();
    this.#world.agenda.after(TIDY_AFTER_MS, () => this.#copyAgain());
  }

  #copyAgain(): void {
    if (this.#phase === "gone") return;
    if (this.#phase !== "ready") {
      this.#world.agenda.after(TIDY_AFTER_MS, () => this.#copyAgain());
    } else if (this.#uncopied) {
      this.#enter("working");
      this.#copy().then(() => this.#next());
    }
  }

  #speak(message: Message, outcome: Outcome, next: Next | undefined): void {
    this.#courier?.committed(this.outbox);
    this.#throws?.forget(nameOf(message));
    message.settle(outcome);
    for (const { type, data } of next?.events ?? []) {
      this.#world.announce(this, type, data);
    }
    this.#wake();
    this.#next();
  }

  /** See to what the document says must still happen. */
  #wake(): void {
    if (this.outbox.length > 0) {
      this.#courier ??= new Courier(this, this.#world);
      this.#courier.pump(this.outbox);
    }
    if (this.#runtime.due !== undefined) {
      this.#reminders ??= new Reminders(this, this.#world);
    }
    this.#reminders?.arm();
  }

  #threw(message: Message, error: unknown): void {
    this.#world.counts.throws++;
    const { address } = this;
    const name = nameOf(message);
    const { command, traceparent } = message;
    this.#world.log.error("actor threw", {
      address,
      command,
      message: name,
      traceparent,
      error,
    });
    this.#throws ??= new Throws();
    const { count, different } = this.#throws.add(name, this.usedAtMs);
    if (different >= THROWERS_MAX) {
      message.settle(THREW);
      return this.#poison();
    }
    if (message.source.from !== "ask" && count >= THROWS_MAX) {
      this.#mailbox.unshift(message);
    } else message.settle(THREW);
    this.#load();
  }

  #poison(): void {
    this.#world.counts.parked++;
    this.#world.log.error("actor parked", { address: this.address });
    this.#enter("poisoned");
    this.#settleAll(POISONED);
    this.#world.announce(this, "parked", {});
  }

  #settleAll(outcome: Outcome): void {
    const waiting = this.#mailbox;
    this.#mailbox = [];
    for (const message of waiting) message.settle(outcome);
  }

  /** The write was refused or its outcome is not known: see what the store holds, then decide again. */
  #again(message: Message, answer: "refused" | "unanswered"): void {
    const { source } = message;
    const nameless = source.from === "ask" && source.op === "";
    if (answer === "unanswered" && nameless) message.settle(UNKNOWN);
    else if (!message.settled) this.#mailbox.unshift(message);
    if (++this.#failures === 1) return this.#load();
    this.#enter("loading");
    const waitMs = retryAfterMs(this.#failures - 1);
    this.#world.agenda.after(waitMs, () => this.#load());
  }

  #load(attempt = 1): void {
    this.#enter("loading");
    this.#vault.load().then((result) => {
      switch (result) {
        case "loaded":
          return this.#loaded();
        case "overtaken":
          return this.#load();
        case "moved":
          this.#settleAll(MOVED);
          return this.#leave();
        case "unreadable":
          this.#settleAll(UNREADABLE);
          return this.#leave();
        case "unanswered": {
          this.#mailbox = this.#mailbox.filter(({ settled }) => !settled);
          const waitMs = retryAfterMs(attempt);
          this.#world.agenda.after(waitMs, () => this.#load(attempt + 1));
        }
      }
    });
  }

  #loaded(): void {
    this.#courier?.committed(this.outbox);
    this.#wake();
    if (!this.#uncopied) return this.#next();
    this.#enter("working");
    this.#copy().then(() => this.#next());
  }
}
