/**
 * Asks between two nodes over a real nats-server, with everything on that an ask can have: schemas at both ends,
 * deadline, operation id, trace context.
 *
 * @module
 */
import { systemClock } from "@lucid/runtime";
import { openNatsBus } from "@lucid/runtime/bus/nats";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { silentLog } from "@lucid/runtime/testing";
import { startNatsServer } from "../tests/support/nats_server.ts";
import { type Figure, figureOf } from "./figure.ts";
import { allAtOnce, compare, compareOneByOne } from "./measure.ts";
import { Note, noteHost, TEXT } from "./note.ts";
import { openRequester } from "./raw_request.ts";

const ASKS_ALONE = 2_000;
const ASKS_TOGETHER = 20_000;
const IN_FLIGHT = 64;
const AGAINST = "nc.request of 64 bytes, tuned, through the same server";
const OPTIONS = {
  op: "01KDVCN40000000000000000OP",
  withinMs: 5_000,
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

/** Latency with one ask in flight, throughput with 64. */
export async function busFigures(): Promise<readonly Figure[]> {
  await using ends = new AsyncDisposableStack();
  const server = await startNatsServer();
  ends.defer(() => server.end());
  const peer = await startPeer(server.url);
  ends.defer(() => peer.terminate());
  const bus = openNatsBus({
    url: server.url,
    name: "asker",
    clock: systemClock,
    log: silentLog,
  });
  ends.defer(() => bus.close());
  await bus.flush();
  const host = noteHost({
    node: "asker",
    store: openMemoryStore(),
    bus,
    locate: () => "peer",
  });
  ends.defer(() => host.drain());
  await using raw = await openRequester(server.url);
  // An actor that nobody has written to is not kept in memory.
  await host.ask(Note, "note/a", "write", { text: TEXT });
  const ask = () => host.ask(Note, "note/a", "read", { text: TEXT }, OPTIONS);
  const alone = await compareOneByOne(ASKS_ALONE, {
    ours: ask,
    baseline: raw.request,
  });
  const many = { count: ASKS_TOGETHER, inFlight: IN_FLIGHT };
  const together = await compare({
    ours: () => allAtOnce(many, ask),
    baseline: () => allAtOnce(many, raw.request),
  });
  return [
    figureOf({
      figure: "ask over NATS that changes nothing, 1 in flight: p50",
      unit: "µs",
      against: AGAINST,
      pair: alone.p50Us,
      bar: { of: "ratio", is: "≤", limit: 1 },
    }),
    figureOf({
      figure: "ask over NATS that changes nothing, 1 in flight: p99",
      unit: "µs",
      against: AGAINST,
      pair: alone.p99Us,
      bar: { of: "ratio", is: "≤", limit: 1.2 },
    }),
    figureOf({
      figure: "ask over NATS that changes nothing, 64 in flight",
      unit: "asks/s",
      against: AGAINST,
      pair: together.perSecond,
      bar: { of: "ratio", is: "≥", limit: 3 },
    }),
  ];
}

async function startPeer(url: string): Promise<Worker> {
  const worker = new Worker(new URL("./bus_peer.ts", import.meta.url), {
    type: "module",
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = ({ message }) => reject(new Error(message));
  worker.postMessage(url);
  await promise;
  return worker;
}
