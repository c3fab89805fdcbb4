/**
 * What every bus must do: the suite that all drivers pass.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Bus, BusMessage } from "@lucid/runtime";

/** How a driver is opened for a test. */
export interface BusDriver {
  readonly name: string;
  /** Two members of one bus, and how to end it all. */
  readonly open: () => Promise<
    { readonly a: Bus; readonly b: Bus; readonly end: () => Promise<void> }
  >;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const text = ({ payload }: BusMessage) => new TextDecoder().decode(payload);

const CASES: Record<string, (a: Bus, b: Bus) => Promise<void>> = {
  async "publish reaches every subscriber, in order"(a, b) {
    const heard: string[] = [];
    const done = Promise.withResolvers<void>();
    const hear = (who: string) => (message: BusMessage) => {
      if (heard.push(who + text(message)) === 6) done.resolve();
    };
    a.subscribe("t.one", hear("a"));
    b.subscribe("t.*", hear("b"));
    await both(a, b);
    for (const word of ["1", "2", "3"]) a.publish("t.one", bytes(word));
    a.publish("other.one", bytes("x"));
    await done.promise;
    assert.deepEqual(heard.filter((word) => word[0] === "a"), [
      "a1",
      "a2",
      "a3",
    ]);
    assert.deepEqual(heard.filter((word) => word[0] === "b"), [
      "b1",
      "b2",
      "b3",
    ]);
  },

  async "publish carries subject, bytes and where to answer"(a, b) {
    const came = next(b, "t.>");
    const answered = next(a, "answers.7");
    await both(a, b);
    const payload = Uint8Array.of(0, 255, 10, 13);
    a.publish("t.x.y", payload, { reply: "answers.7" });
    const message = await came;
    assert.equal(message.payload.toHex(), payload.toHex());
    assert.equal(message.subject, "t.x.y");
    assert.equal(message.nobody, false);
    assert.equal(message.header("Lucid-Op"), undefined);
    b.publish(message.reply!, bytes("yes"));
    assert.equal(text(await answered), "yes");
  },

  async "publish to nobody is answered with that"(a, b) {
    const answered = next(a, "answers.*");
    await both(a, b);
    a.publish("nobody.here", bytes("x"), { reply: "answers.1" });
    const message = await answered;
    assert.equal(message.nobody, true);
    assert.equal(message.subject, "answers.1");
  },

  async "a queue group shares its messages"(a, b) {
    let count = 0;
    const done = Promise.withResolvers<void>();
    const heard = () => ++count === 20 && done.resolve();
    for (const bus of [a, b]) bus.subscribe("t.q", heard, { queue: "g" });
    await both(a, b);
    for (let i = 0; i < 20; i++) a.publish("t.q", bytes("x"));
    await done.promise;
    await both(a, b);
    assert.equal(count, 20);
  },

  async "a subscriber that stopped hears nothing"(a, b) {
    let heard = 0;
    const stop = b.subscribe("t.s", () => heard++);
    await both(a, b);
    stop();
    stop();
    await both(a, b);
    const other = next(b, "t.s");
    await both(a, b);
    a.publish("t.s", bytes("x"));
    await other;
    assert.equal(heard, 0);
  },

  async "a bus that is closed drops what is published"(a, b) {
    assert.equal(a.connected, true);
    await a.close();
    assert.equal(a.connected, false);
    a.publish("t.c", bytes("x"));
    void b;
  },
};

async function both(a: Bus, b: Bus): Promise<void> {
  await a.flush();
  await b.flush();
}

/** The next message on a pattern; what it carries stays valid. */
function next(bus: Bus, pattern: string): Promise<BusMessage> {
  return new Promise((resolve) => {
    const stop = bus.subscribe(pattern, (message) => {
      stop();
      const { subject, reply, nobody, payload } = message;
      const header = (name: string) => message.header(name);
      resolve({ subject, reply, nobody, payload: payload.slice(), header });
    });
  });
}

/** Run every case over `driver`. */
export function testBus(driver: BusDriver): void {
  for (const [name, run] of Object.entries(CASES)) {
    Deno.test(`${driver.name} bus: ${name}`, async () => {
      const { a, b, end } = await driver.open();
      try {
        await run(a, b);
      } finally {
        await end();
      }
    });
  }
}
