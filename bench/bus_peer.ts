/**
 * The other node, in a thread of its own: a host that answers over NATS, and beside it the raw echo.
 *
 * @module
 */
/// <reference lib="deno.worker" />
import { systemClock } from "@lucid/runtime";
import { openNatsBus } from "@lucid/runtime/bus/nats";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { silentLog } from "@lucid/runtime/testing";
import { noteHost } from "./note.ts";
import { serveEcho } from "./raw_request.ts";

/** Its name among nodes. */
export const PEER = "peer";

self.onmessage = async ({ data: url }: MessageEvent<string>) => {
  await serveEcho(url);
  const bus = openNatsBus({
    url,
    name: PEER,
    clock: systemClock,
    log: silentLog,
  });
  noteHost({ node: PEER, store: openMemoryStore(), bus });
  await bus.flush();
  self.postMessage("ready");
};
