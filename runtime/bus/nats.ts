/**
 * The bus over NATS. The client's own reconnection is left off, because what is published while
 * it is disconnected it keeps, without bound, and sends afterwards, when it may no longer be true.
 * Here a lost connection takes its buffer with it, and a new one is dialled for as long as it takes.
 *
 * @module
 */
import {
  connect,
  type Msg,
  type NatsConnection,
} from "@nats-io/transport-node";
import { retryAfterMs } from "../agenda.ts";
import type {
  Bus,
  BusMessage,
  PublishOptions,
  SubscribeOptions,
} from "../bus.ts";
import type { Log, Secret } from "../log.ts";
import type { Clock } from "../ports.ts";

/** A frozen server is noticed after two of these. */
const PING_EVERY_MS = 1_000;
const PINGS_MAX = 2;
/** One attempt to connect. */
const DIAL_WITHIN_MS = 2_000;
/** Status of the empty message that says that nobody listens. */
const NO_RESPONDERS = 503;

/** Which server, and who we are there. */
export interface NatsOptions {
  /** `nats://127.0.0.1:4222` */
  readonly url: string;
  /** User name, where the server asks for one. */
  readonly user?: string;
  /** Its password. */
  readonly password?: Secret;
  /** Shown by the server beside the connection. */
  readonly name: string;
  /** Time between attempts. */
  readonly clock: Clock;
  /** Where comings and goings are told. */
  readonly log: Log;
}

interface Subscription {
  readonly pattern: string;
  readonly handler: (message: BusMessage) => void;
  readonly queue: string | undefined;
  stop: (() => void) | undefined;
}

/** Open a bus over NATS. It returns at once and connects when it can: {@linkcode Bus.flush} waits for that. */
export function openNatsBus(options: NatsOptions): Bus {
  return new NatsBus(options);
}

class NatsBus implements Bus {
  readonly #options: NatsOptions;
  readonly #subscriptions = new Set<Subscription>();
  readonly #ended: Promise<void>;
  #connection: NatsConnection | undefined;
  #ready = Promise.withResolvers<NatsConnection>();
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: NatsOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  get connected(): boolean {
    return this.#connection?.isClosed() === false;
  }

  publish(
    subject: string,
    payload: Uint8Array,
    options: PublishOptions = {},
  ): void {
    if (this.#connection?.isClosed() !== false) return;
    try {
      this.#connection.publish(subject, payload, options);
    } catch (error) {
      const bytes = payload.length;
      this.#options.log.warn("message not published", {
        subject,
        bytes,
        error,
      });
    }
  }

  subscribe(
    pattern: string,
    handler: (message: BusMessage) => void,
    { queue }: SubscribeOptions = {},
  ): () => void {
    const mine: Subscription = { pattern, handler, queue, stop: undefined };
    this.#subscriptions.add(mine);
    if (this.#connection !== undefined) attach(this.#connection, mine);
    return () => {
      this.#subscriptions.delete(mine);
      mine.stop?.();
    };
  }

  async flush(): Promise<void> {
    const connection = this.#connection ?? await this.#ready.promise;
    await connection.flush();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#subscriptions.clear();
    this.#wake?.();
    await this.#connection?.close();
    await this.#ended;
  }

  /** Dial, serve until the connection is lost, and dial again. */
  async #run(): Promise<void> {
    for (let attempt = 1; !this.#closed; attempt++) {
      const { log, url } = this.#options;
      try {
        const connection = await this.#dial();
        attempt = 0;
        if (this.#closed) return await connection.close();
        log.info("bus connected", { server: connection.getServer() });
        await this.#serve(connection);
        if (!this.#closed) log.warn("bus disconnected", { url });
      } catch (error) {
        // The first failure is news, and then one about every five minutes.
        if (attempt % 60 === 1) {
          log.warn("bus not reached", { url, attempt, error });
        }
      }
      if (!this.#closed) await this.#pause(retryAfterMs(attempt + 1));
    }
  }

  #dial(): Promise<NatsConnection> {
    const { url, name, user, password } = this.#options;
    return connect({
      servers: url,
      name,
      reconnect: false,
      pingInterval: PING_EVERY_MS,
      maxPingOut: PINGS_MAX,
      timeout: DIAL_WITHIN_MS,
      noAsyncTraces: true,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { pass: password.reveal() }),
    });
  }

  async #serve(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    for (const subscription of this.#subscriptions) {
      attach(connection, subscription);
    }
    this.#ready.resolve(connection);
    await connection.closed();
    this.#connection = undefined;
    this.#ready = Promise.withResolvers();
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(ms, resolve);
    this.#wake = resolve;
    await promise;
    cancel();
  }
}

function attach(connection: NatsConnection, subscription: Subscription): void {
  const { pattern, handler, queue } = subscription;
  const live = connection.subscribe(pattern, {
    callback: (error, message) => {
      if (error === null) handler(new Received(message));
    },
    ...(queue !== undefined && { queue }),
  });
  subscription.stop = () => {
    if (!connection.isClosed()) live.unsubscribe();
  };
}

/** A message of the client's, read only as far as somebody looks. */
class Received implements BusMessage {
  readonly #message: Msg;

  constructor(message: Msg) {
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get payload(): Uint8Array {
    return this.#message.data;
  }

  get reply(): string | undefined {
    return this.#message.reply || undefined;
  }

  get nobody(): boolean {
    return this.payload.length === 0 &&
      this.#message.headers?.code === NO_RESPONDERS;
  }

  header(name: string): string | undefined {
    const { headers } = this.#message;
    const wanted = name.toLowerCase();
    const key = headers?.keys().find((key) => key.toLowerCase() === wanted);
    return key === undefined ? undefined : headers?.get(key);
  }
}
