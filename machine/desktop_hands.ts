/**
 * The hands of the rdp actors: desktops on this machine, and the report of each that is lost.
 *
 * A marker file per desktop outlives the process; what a life before this one left marked is reported
 * lost, and its actor asks for the desktop again if it still wants it.
 *
 * @module
 */
import type { Effect, Host, Log } from "@lucid/runtime";
import { Rdp } from "../actors/rdp/protocol.ts";
import {
  type DataFolder,
  durableNames,
  removeIfThere,
  writeDurably,
} from "./data_folder.ts";
import type { Desktops } from "./desktops.ts";
import { openTurns } from "./turns.ts";
import type { Geometry } from "./x_server.ts";

/** The hands of this node's rdp actors. */
export interface DesktopHands {
  readonly effects: Readonly<Record<string, Effect>>;
  /** Report what stood in the life before this one; to be called before the first effect. */
  begin(host: Host): Promise<void>;
  /** Report a desktop that ended and was not asked to. */
  lost(sessionId: string, because: string): Promise<void>;
}

/** Open the hands. */
export function openDesktopHands(
  { data, desktops, log }: {
    readonly data: DataFolder;
    readonly desktops: Desktops;
    readonly log: Log;
  },
): DesktopHands {
  const inTurn = openTurns();
  let host: Host;
  let lostCount = 0;
  const markerOf = (sessionId: string): string =>
    data.file("desktops", sessionId);
  const addressOf = (sessionId: string): string =>
    `rdp/${data.nodeId}/${sessionId}`;

  async function ensure(sessionId: string, geometry: Geometry) {
    const { status } = await host.ask(Rdp, addressOf(sessionId), "get", {});
    // This may be done again, or late: who has closed a desktop since would not close it once more.
    if (status !== "starting") return {};
    try {
      writeDurably(markerOf(sessionId), new Uint8Array());
      await desktops.ensure(sessionId, geometry);
      return {};
    } catch (error) {
      const failure = (error as Error).message;
      log.error("desktop failed", { sessionId, because: failure });
      return { failure };
    }
  }

  async function close(sessionId: string) {
    await desktops.close(sessionId);
    removeIfThere(markerOf(sessionId));
    return {};
  }

  async function reportLost(
    sessionId: string,
    loss: { readonly because: string; readonly crashed: boolean },
  ): Promise<void> {
    const op = `lost:${data.boot}:${lostCount++}`;
    try {
      await host.report(Rdp, addressOf(sessionId), "lost", loss, { op });
    } catch (error) {
      log.warn("desktop of nobody", { sessionId, because: String(error) });
    }
  }

  return {
    effects: {
      "rdp.desktop": ({ id, input }) =>
        inTurn(id, () => ensure(id, input as Geometry)),
      "rdp.close": ({ id }) => inTurn(id, () => close(id)),
    },

    async begin(opened) {
      host = opened;
      const because = "Lucid was not running";
      const left = durableNames(data.file("desktops"));
      await Promise.all(left.map((id) =>
        inTurn(id, async () => {
          await reportLost(id, { because, crashed: false });
          // An actor that wants its desktop again has asked for it: that is next in turn, and marks it.
          removeIfThere(markerOf(id));
        })
      ));
    },

    lost: (sessionId, because) =>
      reportLost(sessionId, { because, crashed: true }),
  };
}
