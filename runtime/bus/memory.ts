/**
 * A bus within one process: for tests, and for a system that runs without NATS.
 *
 * @module
 */
import {
  type Bus,
  type BusMessage,
  type PublishOptions,
  subjectMatches,
  type SubscribeOptions,
} from "../bus.ts";

interface Subscription {
  readonly pattern: string;
  readonly handler: (message: BusMessage) => void;
  readonly queue: string | undefined;
}

/** Open a bus; all who share it hear each other. */
export function openMemoryBus(): Bus {
  return new MemoryBus();
}

class MemoryBus implements Bus {
  #subscriptions: readonly Subscription[] = [];
  #turn = 0;
  connected = true;

  publish(
    subject: string,
    payload: Uint8Array,
    { reply }: PublishOptions = {},
  ): void {
    if (!this.connected) return;
    const bytes = payload.slice();
    const heard = this.#deliver(subject, {
      subject,
      payload: bytes,
      reply,
      nobody: false,
      header: () => undefined,
    });
    if (heard || reply === undefined) return;
    this.#deliver(reply, {
      subject: reply,
      reply: undefined,
      payload: new Uint8Array(),
      nobody: true,
      header: () => undefined,
    });
  }

  subscribe(
    pattern: string,
    handler: (message: BusMessage) => void,
    { queue }: SubscribeOptions = {},
  ): () => void {
    const mine = { pattern, handler, queue };
    this.#subscriptions = [...this.#subscriptions, mine];
    return () => {
      this.#subscriptions = this.#subscriptions.filter((one) => one !== mine);
    };
  }

  async flush(): Promise<void> {}

  // deno-lint-ignore require-await -- other drivers take their time
  async close(): Promise<void> {
    this.connected = false;
    this.#subscriptions = [];
  }

  #deliver(subject: string, message: BusMessage): boolean {
    const matching = this.#subscriptions.filter(({ pattern }) =>
      subjectMatches(pattern, subject)
    );
    const groups = Map.groupBy(matching, (one) => one.queue ?? one);
    for (const members of groups.values()) {
      const member = members[this.#turn++ % members.length]!;
      queueMicrotask(() => {
        if (this.#subscriptions.includes(member)) member.handler(message);
      });
    }
    return matching.length > 0;
  }
}
