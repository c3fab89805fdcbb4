import assert from "node:assert/strict";
import { type Host, LucidError, type Work } from "@lucid/runtime";
import { openDataFolder, writeDurably } from "../../machine/data_folder.ts";
import { openDesktopHands } from "../../machine/desktop_hands.ts";
import type { Desktops } from "../../machine/desktops.ts";
import { witness } from "./world.ts";

const SESSION = "01JD0000000000000000000000";
const NOBODY = "01JD0000000000000000000001";

Deno.test("a marker whose desktop nobody knows is logged and removed; one that is known is reported and made again", () =>
  withHands(async ({ begin, ask, mark, markers, events, said }) => {
    mark(SESSION);
    mark(NOBODY);
    const begun = begin();
    // Its actor asks for it while the report is on its way.
    const made = ask("rdp.desktop");
    await begun;
    await made;
    assert.deepEqual(events.slice(0, 2).toSorted(), [
      `lost ${SESSION}`,
      `lost ${NOBODY}`,
    ]);
    assert.deepEqual(events.slice(2), [
      `ensure ${SESSION}`,
      `stands ${SESSION}`,
    ]);
    assert.deepEqual(said, ["desktop of nobody"]);
    assert.deepEqual(markers(), [SESSION]);
  }));

Deno.test("a desktop that is closed while it is being made is closed when it stands", () =>
  withHands(async ({ begin, ask, markers, events }) => {
    await begin();
    await Promise.all([ask("rdp.desktop"), ask("rdp.close")]);
    const expected = ["ensure", "stands", "close"];
    assert.deepEqual(events, expected.map((what) => `${what} ${SESSION}`));
    assert.deepEqual(markers(), []);
  }));

Deno.test("a desktop that is asked for again after it was closed is not made", () =>
  withHands(async ({ begin, ask, markers, events, rdp }) => {
    await begin();
    rdp.status = "closed";
    assert.deepEqual(await ask("rdp.desktop"), {});
    assert.deepEqual(events, []);
    assert.deepEqual(markers(), []);
  }));

type World = ReturnType<typeof world>;

async function withHands(test: (world: World) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const made = world(dir);
    await test(made);
    made.data.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Hands over desktops that only say what is asked of them, and an actor in the state that it is put in. */
function world(dir: string) {
  const data = openDataFolder(dir, {
    newId: () => "01JD00000000000000000000ND",
  });
  const { log, said } = witness();
  const events: string[] = [];
  const rdp = { status: "starting" };
  const desktops = {
    async ensure(id: string) {
      events.push(`ensure ${id}`);
      await Promise.resolve();
      events.push(`stands ${id}`);
    },
    close: (id: string) => Promise.resolve(void events.push(`close ${id}`)),
  } as unknown as Desktops;
  const host = {
    ask: () => Promise.resolve(rdp),
    report(_: unknown, address: string, command: string) {
      const id = address.split("/").at(-1)!;
      events.push(`${command} ${id}`);
      if (id !== NOBODY) return Promise.resolve({});
      const because = `Cannot lose desktop ${id}: there is none`;
      return Promise.reject(new LucidError("rdp/unknown", "missing", because));
    },
  } as unknown as Host;
  const hands = openDesktopHands({ data, desktops, log });
  const work = { id: SESSION, input: { width: 640, height: 480 } };
  return {
    data,
    rdp,
    events,
    said,
    begin: () => hands.begin(host),
    ask: (effect: string) => hands.effects[effect]!(work as unknown as Work),
    mark: (id: string) =>
      writeDurably(data.file("desktops", id), new Uint8Array()),
    markers: () =>
      Array.from(Deno.readDirSync(data.file("desktops")), ({ name }) => name),
  };
}
