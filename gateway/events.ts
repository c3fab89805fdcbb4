/**
 * `/api/v1/sessions/{id}/events`: a session as it changes, by server-sent events.
 *
 * Each message is the session as it was just read, and its id is the document's version. An event of the actor only
 * wakes the reader, and so may be lost: the session is read again every 5 s anyway. Nothing is queued, for a slow
 * caller gets the latest state when it is ready for one.
 *
 * @module
 */
import { type Clock, LucidError } from "@lucid/runtime";
import { Session, SessionState } from "../actors/session/protocol.ts";
import { sessionOf } from "./access.ts";
import { type Operation, operation } from "./operation.ts";
import type { GatewayPorts } from "./ports.ts";
import { showSession } from "./session_view.ts";
import { SessionPath } from "./sessions.ts";

/** Streams open at once: each costs one read in 5 s and a few kB. */
const STREAMS_MAX = 256;

/** What an event that got lost may cost. It is also how often a quiet stream shows that it is alive. */
const READ_EVERY_MS = 5_000;

const encoder = new TextEncoder();
/** A comment: keeps proxies from closing a quiet stream. */
const HEARTBEAT = encoder.encode(":\n\n");

/**
 * The operation that follows a session.
 *
 * @param closing Aborted when the gateway closes: streams end then.
 */
export function eventOperations(
  ports: GatewayPorts,
  { closing }: { readonly closing: AbortSignal },
): readonly Operation[] {
  const { host, store, clock } = ports;
  let streams = 0;
  return [
    operation({
      method: "get",
      path: "/api/v1/sessions/{id}/events",
      id: "session.events",
      tag: "Sessions",
      summary: "Follow a session",
      description:
        "Server-sent events of the name `session`: the data is the session, the id its version. The first comes at once; a comment comes every 5 s while nothing changes. The stream stays open until the caller leaves.",
      params: SessionPath,
      status: 200,
      content: {
        description: "The stream of events",
        mediaType: "text/event-stream",
      },
      refusals: ["session/unknown", "request/streams-full"],
      async handle({ params: { id }, caller }) {
        await sessionOf(ports, id, caller);
        if (streams >= STREAMS_MAX) {
          throw new LucidError(
            "request/streams-full",
            "exhausted",
            `Cannot follow session ${id}: ${streams} streams are open already`,
          );
        }
        streams++;
        const bell = new Bell(clock);
        const stopHearing = host.on(
          `lucid.v1.evt.${Session.name}.${id}.>`,
          () => bell.ring(),
        );
        const leave = once(() => {
          streams--;
          stopHearing();
          closing.removeEventListener("abort", leave);
          bell.close();
        });
        closing.addEventListener("abort", leave);
        if (closing.aborted) leave();
        const read = () => store.get({ collection: Session.collection, id });
        return new Response(changes(read, bell, leave), {
          headers: {
            "content-type": "text/event-stream",
            // Proxies that gather answers would hold events back.
            "x-accel-buffering": "no",
          },
        });
      },
    }),
  ];
}

type Read = () => ReturnType<GatewayPorts["store"]["get"]>;

/** One message for each version that the caller is there to take. */
function changes(
  read: Read,
  bell: Bell,
  leave: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let shown = -1;
  return new ReadableStream({
    async pull(controller) {
      try {
        while (!bell.closed) {
          const found = await read();
          if (found === undefined) break;
          if (found.version !== shown) {
            shown = found.version;
            const session = showSession(SessionState.parse(found.fields));
            controller.enqueue(encoder.encode(
              `id: ${shown}\nevent: session\ndata: ${
                JSON.stringify(session)
              }\n\n`,
            ));
            return;
          }
          if (await bell.wait(READ_EVERY_MS) === "quiet") {
            controller.enqueue(HEARTBEAT);
            return;
          }
        }
        controller.close();
        leave();
      } catch (error) {
        leave();
        throw error;
      }
    },
    cancel: leave,
  }, { highWaterMark: 0 });
}

/** Wakes one waiter; a ring that nobody waits for is remembered. */
class Bell {
  readonly #clock: Clock;
  #rung = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get closed(): boolean {
    return this.#closed;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  /** Until it rings or closes, or has been quiet for so long. */
  async wait(ms: number): Promise<"rung" | "quiet"> {
    if (!this.#rung && !this.#closed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const callOff = this.#clock.after(ms, resolve);
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
      callOff();
    }
    const quiet = !this.#rung && !this.#closed;
    this.#rung = false;
    return quiet ? "quiet" : "rung";
  }
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
