/**
 * The gateway over the real actors on a real host, with a memory store. Doubles stand in for the outside world
 * alone: the node's hands, its recordings and its chain.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  LucidError,
  openHost,
  Secret,
  soleClaims,
  ulidMaker,
} from "@lucid/runtime";
import { openMemoryStore } from "@lucid/runtime/stores/memory";
import { manualClock, seededRandom, silentLog } from "@lucid/runtime/testing";
import { Node } from "../../actors/node/protocol.ts";
import { node } from "../../actors/node/node.ts";
import { rdp } from "../../actors/rdp/rdp.ts";
import { recorder } from "../../actors/recorder/recorder.ts";
import { round } from "../../actors/round/round.ts";
import { Session } from "../../actors/session/protocol.ts";
import { session } from "../../actors/session/session.ts";
import { encodeLeaf, SEGMENT_BYTES } from "../../chain/leaf.ts";
import { sha256 } from "../../chain/hash.ts";
import { createApp } from "../../gateway/app.ts";
import type { Evidence, GatewayPorts, Tokens } from "../../gateway/ports.ts";
import { ownerToken } from "../../gateway/tokens.ts";
import { testChain } from "./chain_double.ts";

export const NODE = "n1";
export const HOST = "127.0.0.1:8080";
export const OWNER = "owner-token";
export const GUEST = "guest-token";

/** A session id that nobody was given. */
export const NOBODYS_ID = "01JD0000000000000000000000";

const HEX_32 = "ab".repeat(32);

/** What to change about the world of one test. */
export interface WorldOptions {
  readonly ports?: Partial<GatewayPorts>;
  readonly freeBytes?: number;
}

/** One request. */
export interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Empty for none. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** Put a world together; `await using` ends it. */
export async function openWorld(
  { ports: overrides = {}, freeBytes = 10 ** 12 }: WorldOptions = {},
) {
  const clock = manualClock();
  const random = seededRandom(1);
  const store = openMemoryStore();
  const ids = ulidMaker({ clock, random });
  const leaves = new Map<string, number>();
  const host = openHost({
    node: NODE,
    behaviors: [session, node, rdp, recorder, round],
    store,
    clock,
    random,
    log: silentLog,
    claims: soleClaims(1),
    effects: {
      "rdp.desktop": () => Promise.resolve({}),
      "rdp.close": () => Promise.resolve({}),
      "recorder.capture": () => Promise.resolve({}),
      "recorder.finish": () => Promise.resolve({ endedAt: clock.now() }),
      "recorder.seal": () =>
        Promise.resolve({
          manifestHash: HEX_32,
          entryId: HEX_32,
          entry: "AAAA",
        }),
      "recorder.check": () => Promise.resolve({}),
      "recorder.erase": () => Promise.resolve({}),
      "round.include": () => Promise.resolve({ entryId: HEX_32 }),
      "round.signGrowth": () => Promise.resolve({ entries: [] }),
    },
  });
  await host.ask(Node, `node/${NODE}`, "begin", {
    publicKey: HEX_32,
    boot: 1,
    version: "0.0.0",
    freeBytes,
    floorBytes: 1_000,
  });
  const owner = ownerToken(new Secret(OWNER), {
    user: "owner",
    role: "super_admin",
  });
  const guest = ownerToken(new Secret(GUEST), { user: "guest", role: "user" });
  const tokens: Tokens = {
    verify: async (token) =>
      await owner.verify(token) ?? await guest.verify(token),
  };
  const gateway = createApp({
    host,
    store,
    node: NODE,
    evidence: testEvidence(leaves),
    chain: testChain(),
    tokens,
    allowedHosts: [HOST, "localhost:8080"],
    clock,
    log: silentLog,
    ids,
    version: "0.0.0",
    ...overrides,
  });

  function fetch(
    method: string,
    path: string,
    { body, headers = {}, token = OWNER, signal }: Asked = {},
  ): Promise<Response> {
    return gateway.fetch(
      new Request(`http://${HOST}${path}`, {
        method,
        headers: {
          ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(signal === undefined ? {} : { signal }),
        ...(body === undefined ? {} : {
          body: typeof body === "string" ? body : JSON.stringify(body),
        }),
      }),
    );
  }

  return {
    gateway,
    host,
    clock,
    store,
    fetch,
    /** The JSON of an answer that must have this status. */
    async json(
      status: number,
      ...request: Parameters<typeof fetch>
      // deno-lint-ignore no-explicit-any -- as a caller sees it
    ): Promise<any> {
      const response = await fetch(...request);
      const text = await response.text();
      assert.equal(response.status, status, `${request[1]}: ${text}`);
      return text === "" ? undefined : JSON.parse(text);
    },
    /** Create a session and have its desktop come up. */
    async created(body: object = {}, token = OWNER): Promise<string> {
      const { session_id } = await this.json(201, "POST", "/api/v1/sessions", {
        body: { source: { kind: "desktop" }, ...body },
        token,
      });
      await clock.advance(100);
      return session_id;
    },
    /** The node reports one more chunk of a session. */
    async record(id: string): Promise<void> {
      const index = leaves.get(id) ?? 0;
      const leaf = chunkOf(id, index, clock.now()).leaf.toHex();
      await host.ask(Session, `session/${id}`, "addLeaf", { index, leaf });
      leaves.set(id, index + 1);
      await clock.advance(100);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      gateway.close();
      await host.drain();
    },
  };
}

function chunkOf(id: string, index: number, startMs: number) {
  const ct = new TextEncoder().encode(`sealed chunk ${index} of ${id}`);
  assert(ct.length < SEGMENT_BYTES);
  const leaf = encodeLeaf({
    kind: "chunk",
    index,
    startMs,
    endMs: startMs,
    codec: 0,
    plainBytes: ct.length - 16,
    sealedBytes: ct.length,
    sealedHash: sha256(ct),
    segmentRoot: sha256(Uint8Array.of(0), ct),
    salt: new Uint8Array(32),
    keyCommit: new Uint8Array(32),
  });
  return { ct, leaf };
}

/** Recordings of which only the counts are true. */
function testEvidence(leaves: ReadonlyMap<string, number>): Evidence {
  const text = new TextEncoder();
  const hold = <T>(
    session: string,
    index: number,
    give: () => T,
  ): Promise<T> => {
    if (index < (leaves.get(session) ?? 0)) return Promise.resolve(give());
    return Promise.reject(
      new LucidError(
        "evidence/no-chunk",
        "missing",
        `Cannot read chunk ${index} of session ${session}: it is not stored here`,
      ),
    );
  };
  return {
    sealed: ({ session, index }) =>
      hold(session, index, () => chunkOf(session, index, 0)),
    plain: ({ session, index }) =>
      hold(session, index, () => text.encode(`plain ${index}`)),
    chunkKey: ({ session, index }) =>
      hold(session, index, () => new Uint8Array(32).fill(index)),
    manifest: (session) => hold(session, 0, () => '{"format":"manifest"}'),
    proof: ({ session, index }) =>
      hold(session, index, () => '{"format":"lucid-proof/1"}'),
    recording: (session) =>
      hold(session, 0, () => ({
        stream: new Blob(["mp4"]).stream() as ReadableStream<
          Uint8Array<ArrayBuffer>
        >,
      })),
  };
}
