/**
 * Runs the actors of one node: finds or makes the cell that a message is for, wakes what is due,
 * and lets go of what is idle.
 *
 * @module
 */
import { parseAddress, SHARDS } from "./address.ts";
import { Agenda, retryAfterMs } from "./agenda.ts";
import { Cell } from "./cell.ts";
import { LETTERS_TABLE } from "./document.ts";
import { openDoor } from "./door.ts";
import { subjectMatches } from "./bus.ts";
import { LucidError } from "./errors.ts";
import {
  type Announcement,
  ASK_WITHIN_MS,
  type AskOptions,
  DRAIN_WITHIN_MS,
  type Host,
  type HostOptions,
  LIMITS,
  type Limits,
  type Ref,
  type ReportOptions,
  type Stats,
} from "./hosting.ts";
import { openLink } from "./link.ts";
import { Message, type Outcome, type TellId, unwrap } from "./message.ts";
import { ulidMaker } from "./ports.ts";
import type { Protocol } from "./protocol.ts";
import type { Found, Page } from "./store.ts";
import { eventSubject } from "./subjects.ts";
import type { AnyBehavior } from "./turn.ts";
import type { Counts, World } from "./world.ts";

/** Between two looks at what is due and what is idle; a late commit may land after the first look. */
const LOOK_EVERY_MS = 10_000;
/** How far ahead a look sees: past the next one, so that no reminder falls between. */
const LOOK_AHEAD_MS = 15_000;
/** Actors woken in one go. */
const DUE_PAGE = 256;
/** Characters of an operation id: a UUID, a ULID or a short sentence made from the fact. */
const OP = /^[\x21-\x7e]{1,128}$/;

const LATE: Outcome = {
  failed: "actor/deadline",
  kind: "unavailable",
  because: "Cannot wait any longer for the actor: the deadline has passed",
};
const DRAINING: Outcome = {
  failed: "actor/draining",
  kind: "unavailable",
  because: "Cannot ask the actor: its node is stopping",
};

/**
 * Open a host.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { z } from "zod";
 * import { type Behavior, defineProtocol, openHost, openLog, soleClaims, systemClock, systemRandom } from "@lucid/runtime";
 * import { openMemoryStore } from "@lucid/runtime/stores/memory";
 *
 * const Counter = defineProtocol({
 *   name: "counter", version: 1, collection: "counters", placement: "sharded",
 *   state: z.strictObject({ count: z.int() }),
 *   commands: { add: { input: z.strictObject({ by: z.int() }), reply: z.strictObject({ count: z.int() }), refusals: {} } },
 *   events: { added: z.strictObject({ by: z.int() }) },
 * });
 * const counter: Behavior<typeof Counter> = {
 *   protocol: Counter,
 *   initial: () => ({ count: 0 }),
 *   decide: { add: (state, { by }) => ({ events: [{ type: "added", data: { by } }], reply: { count: state.count + by } }) },
 *   apply: { added: (state, { by }) => ({ count: state.count + by }) },
 * };
 * const host = openHost({
 *   node: "n1", behaviors: [counter], store: openMemoryStore(), claims: soleClaims(1),
 *   clock: systemClock, random: systemRandom, log: openLog({ clock: systemClock, write: () => {} }),
 * });
 * assert.deepEqual(await host.ask(Counter, "counter/a", "add", { by: 2 }, { op: "once" }), { count: 2 });
 * assert.deepEqual(await host.ask(Counter, "counter/a", "add", { by: 2 }, { op: "once" }), { count: 2 });
 * await host.drain();
 * ```
 */
export function openHost(options: HostOptions): Host {
  return new NodeHost(options);
}

class NodeHost implements Host {
  readonly node: string;
  readonly incarnation: string;
  readonly #options: HostOptions;
  readonly #limits: Limits;
  readonly #behaviors: ReadonlyMap<string, AnyBehavior>;
  readonly #world: World;
  readonly #cells = new Map<string, Cell>();
  readonly #listeners = new Map<object, {
    readonly pattern: string;
    readonly handler: (event: Announcement) => void;
  }>();
  readonly #stopping = new AbortController();
  readonly #link: ReturnType<typeof openLink> | undefined;
  readonly #closers: (() => void)[] = [];
  #activations = 0;
  #active = 0;
  #calm: (() => void) | undefined;
  #draining = false;

  constructor(options: HostOptions) {
    const { clock, random, store, log, claims, bus } = options;
    const newId = ulidMaker({ clock, random });
    this.node = options.node;
    this.incarnation = options.incarnation ?? newId();
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#behaviors = new Map(
      options.behaviors.map((behavior) => [behavior.protocol.name, behavior]),
    );
    this.#world = {
      store,
      clock,
      newId,
      agenda: new Agenda(clock),
      log: log.with({ node: this.node }),
      counts: noCounts(),
      effects: options.effects ?? {},
      signal: this.#stopping.signal,
      point: (name) => options.points?.(name),
      fence: (place) => ({
        epoch: typeof place === "number"
          ? claims.shardEpoch(place)
          : claims.nodeEpoch(),
        incarnation: this.incarnation,
        activation: ++this.#activations,
      }),
      deliver: (address, message) => this.#deliver(address, message),
      announce: (cell, type, data) => this.#announce(cell, type, data),
      active: (change) => {
        this.#active += change;
        if (this.#active === 0) this.#calm?.();
      },
      release: (cell) => {
        if (this.#cells.get(cell.address) === cell) {
          this.#cells.delete(cell.address);
        }
      },
    };
    if (bus !== undefined) {
      const { agenda } = this.#world;
      this.#link = openLink({
        node: this.node,
        bus,
        agenda,
        log: this.#world.log,
        behaviors: this.#behaviors,
        take: (address, message) => this.#deliver(address, message, true),
      });
      this.#closers.push(
        () => this.#link?.close(),
        openDoor({ bus, host: this, newId }),
      );
    }
    void this.#look();
  }

  ask<P extends Protocol>(
    _protocol: P,
    address: string,
    command: string,
    input: unknown,
    options?: AskOptions,
  ): Promise<never> {
    return new Promise((resolve, reject) =>
      this.#request({ address, command, input, options }, (outcome) => {
        if ("reply" in outcome) return resolve(outcome.reply as never);
        try {
          unwrap(outcome);
        } catch (error) {
          reject(error);
        }
      })
    );
  }

  request(
    address: string,
    command: string,
    input: unknown,
    options?: AskOptions,
  ): Promise<Outcome> {
    return new Promise((resolve) =>
      this.#request({ address, command, input, options }, resolve)
    );
  }

  async report<P extends Protocol>(
    _protocol: P,
    address: string,
    command: string,
    input: unknown,
    { op, signal }: ReportOptions,
  ): Promise<never> {
    for (let attempt = 1;; attempt++) {
      signal?.throwIfAborted();
      const outcome = await this.request(address, command, input, { op });
      // What is wrong with the request itself does not mend by itself.
      const final = !("failed" in outcome) || outcome.kind === "invalid" ||
        outcome.kind === "conflict" || outcome.kind === "missing";
      if (final) return unwrap(outcome) as never;
      const { failed: code, because } = outcome;
      this.#world.log.info("report not taken", {
        address,
        command,
        op,
        attempt,
        code,
        because,
      });
      await this.#pause(retryAfterMs(attempt), signal);
    }
  }

  ref<P extends Protocol>(protocol: P, id: string): Ref<P> {
    const address = `${protocol.name}/${id}`;
    return Object.fromEntries(
      Object.keys(protocol.commands).map((command) => [
        command,
        (input: unknown, options?: AskOptions) =>
          this.ask(protocol, address, command, input, options),
      ]),
    ) as unknown as Ref<P>;
  }

  on(pattern: string, handler: (event: Announcement) => void): () => void {
    const token = {};
    this.#listeners.set(token, { pattern, handler });
    return () => void this.#listeners.delete(token);
  }

  deadLetters(
    page: { readonly limit: number; readonly after?: string },
  ): Promise<Page<Found>> {
    return this.#options.store.list(LETTERS_TABLE, { prefix: "", ...page });
  }

  async replay(letterId: string): Promise<void> {
    const key = { collection: LETTERS_TABLE, id: letterId };
    const letter = await this.#options.store.get(key);
    const source = letter?.fields["source"] as
      | { readonly from: string; readonly tell: TellId }
      | undefined;
    if (letter === undefined || source?.from !== "tell") {
      throw new LucidError(
        "actor/no-such-letter",
        "missing",
        `Cannot replay ${letterId}: it is no dead letter of another actor`,
      );
    }
    const { receiver, command, input } = letter.fields;
    const outcome = await new Promise<Outcome>((resolve) => {
      const message = new Message({
        source: { from: "tell", tell: source.tell },
        command: String(command),
        input,
        withinMs: ASK_WITHIN_MS,
      }, resolve);
      this.#deliver(String(receiver), message);
    });
    unwrap(outcome);
  }

  stats(): Stats {
    return { ...this.#world.counts, cells: this.#cells.size };
  }

  async drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    this.#stopping.abort();
    let late = false;
    const stop = this.#options.clock.after(DRAIN_WITHIN_MS, () => {
      late = true;
      this.#calm?.();
    });
    while (this.#active > 0 && !late) {
      await new Promise<void>((resolve) => this.#calm = resolve);
    }
    stop();
    if (late) {
      this.#world.log.warn("drain incomplete", { active: this.#active });
    }
    this.#world.agenda.close();
    for (const close of this.#closers) close();
    this.#listeners.clear();
  }

  #request(
    { address, command, input, options }: {
      readonly address: string;
      readonly command: string;
      readonly input: unknown;
      readonly options: AskOptions | undefined;
    },
    settle: (outcome: Outcome) => void,
  ): void {
    const op = options?.op ?? "";
    if (op !== "" && !OP.test(op)) return settle(badOp(command));
    const message = new Message({
      source: { from: "ask", op },
      command,
      input,
      withinMs: options?.withinMs ?? ASK_WITHIN_MS,
      traceparent: options?.traceparent,
    }, settle);
    this.#deliver(address, message);
  }

  /** Bring a message to its cell, or to the node where that is; `arrived` ones are not sent on. */
  #deliver(address: string, message: Message, arrived = false): void {
    if (this.#draining) return message.settle(DRAINING);
    try {
      const known = this.#cells.get(address);
      const node = known === undefined ? this.#locate(address) : this.node;
      if (node === this.node) {
        return this.#hand(known ?? this.#cell(address), message);
      }
      if (this.#link !== undefined && !arrived) {
        return this.#link.send(node, { address, message });
      }
      message.settle({
        failed: "actor/moved",
        kind: "unavailable",
        because: `Cannot ask ${address} here: it lives on node ${node}`,
      });
    } catch (error) {
      if (!(error instanceof LucidError)) throw error;
      const { code, kind, message: because } = error;
      message.settle({ failed: code, kind, because });
    }
  }

  #hand(cell: Cell, message: Message): void {
    cell.receive(message);
    if (message.settled || message.withinMs === Infinity) return;
    message.deadline = this.#world.agenda.after(
      message.withinMs,
      () => message.settle(LATE),
    );
  }

  #locate(address: string): string {
    const { node } = parseAddress(address);
    if (node !== "") return node;
    return this.#options.locate?.(address) ?? this.node;
  }

  /** @throws {LucidError} Where no such actor can live here. */
  #cell(address: string): Cell {
    const known = this.#cells.get(address);
    if (known !== undefined) return known;
    const parsed = parseAddress(address);
    const behavior = this.#behaviors.get(parsed.kind);
    const placement = parsed.node === "" ? "sharded" : "pinned";
    if (behavior === undefined || behavior.protocol.placement !== placement) {
      throw new LucidError(
        "actor/no-such-kind",
        "missing",
        `Cannot ask ${address}: no ${placement} actors named ${parsed.kind} live on node ${this.node}`,
      );
    }
    const cell = new Cell(parsed, behavior, this.#world);
    this.#cells.set(cell.address, cell);
    return cell;
  }

  #announce(cell: Cell, type: string, data: unknown): void {
    const { bus } = this.#options;
    if (this.#listeners.size === 0 && bus === undefined) return;
    const { address } = cell;
    const subject = eventSubject(cell.parsed, type);
    for (const { pattern, handler } of this.#listeners.values()) {
      if (!subjectMatches(pattern, subject)) continue;
      try {
        handler({ subject, address, type, data });
      } catch (error) {
        this.#world.log.error("listener threw", { subject, error });
      }
    }
    bus?.publish(subject, new TextEncoder().encode(JSON.stringify(data)));
  }

  /** Wake what is due, let go of what is idle, and come back. */
  async #look(): Promise<void> {
    this.#passivate();
    for (const { protocol } of this.#behaviors.values()) {
      try {
        await this.#wakeDue(protocol);
      } catch (error) {
        this.#world.log.warn("due actors not read", {
          kind: protocol.name,
          error,
        });
      }
    }
    this.#world.agenda.after(LOOK_EVERY_MS, () => void this.#look());
  }

  async #wakeDue({ name, collection }: Protocol): Promise<void> {
    const places = [...Array(SHARDS).keys(), this.node];
    const untilMs = this.#options.clock.now() + LOOK_AHEAD_MS;
    let after: string | undefined;
    do {
      if (this.#draining) return;
      const page = await this.#options.store.due({
        collection,
        places,
        untilMs,
        limit: DUE_PAGE,
        ...(after !== undefined && { after }),
      });
      for (const id of page.items) {
        const address = `${name}/${id}`;
        if (!this.#draining && this.#locate(address) === this.node) {
          this.#cell(address).wake();
        }
      }
      after = page.next;
    } while (after !== undefined);
  }

  #passivate(): void {
    const nowMs = this.#options.clock.elapsedMs();
    let excess = this.#cells.size - this.#limits.cellsMax;
    const cells = [...this.#cells.values()];
    if (excess > 0) cells.sort((a, b) => a.usedAtMs - b.usedAtMs);
    for (const cell of cells) {
      const idle = nowMs - cell.usedAtMs >= this.#limits.idleMs;
      if ((idle || excess > 0) && cell.passivate()) excess--;
    }
  }

  /** @throws What the signal was aborted with; `actor/draining` when the host stops meanwhile. */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const stopped = this.#stopping.signal;
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve);
    const wake = (): void => resolve();
    signal?.addEventListener("abort", wake);
    stopped.addEventListener("abort", wake);
    await promise;
    cancel();
    signal?.removeEventListener("abort", wake);
    stopped.removeEventListener("abort", wake);
    if (stopped.aborted) unwrap(DRAINING);
  }
}

function badOp(command: string): Outcome {
  return {
    failed: "request/invalid",
    kind: "invalid",
    because:
      `Cannot ${command}: its operation id is not 1 to 128 visible ASCII characters`,
  };
}

function noCounts(): Counts {
  return {
    turns: 0,
    commits: 0,
    refusals: 0,
    busy: 0,
    throws: 0,
    slow: 0,
    loads: 0,
    retries: 0,
    parked: 0,
  };
}
