import assert from "node:assert/strict";
import { systemClock as clock } from "@lucid/runtime";
import { type Child, openChildren } from "../../machine/children.ts";
import { startNatsServer } from "../../machine/nats_server.ts";
import { withData, witness } from "./world.ts";

Deno.test("nats-server: where it cannot be started again at once, it is tried until it can", () =>
  withData(async (data) => {
    const { log, said } = witness();
    const children = openChildren(data, { log });
    const first = Promise.withResolvers<Child>();
    const third = Promise.withResolvers<Child>();
    let starts = 0;
    const server = await startNatsServer({
      children: {
        ...children,
        start(spec) {
          // As on a disk that is full at that moment.
          if (++starts === 2) throw new Error("No space left on device");
          const child = children.start(spec);
          (starts === 1 ? first : third).resolve(child);
          return child;
        },
      },
      data,
      clock,
      log,
    });
    Deno.kill((await first.promise).pid, "SIGKILL");
    await third.promise;
    assert.deepEqual(said, ["nats-server lost", "nats-server not started"]);
    await server.stop();
    assert.match(await (await third.promise).ended, /^nats-server /);
  }));

Deno.test("nats-server: one that does not come up is told, and not tried again", () =>
  withData(async (data) => {
    const { log } = witness();
    const children = openChildren(data, { log });
    let starts = 0;
    await assert.rejects(
      startNatsServer({
        children: {
          ...children,
          start({ name }) {
            starts++;
            // As on a machine where it is not installed.
            return children.start({ name, program: "no-such", args: [] });
          },
        },
        data,
        clock,
        log,
      }),
      {
        code: "nats/failed",
        message: /^Cannot start nats-server on .+: no-such ended with code 127/,
      },
    );
    assert.equal(starts, 1);
  }));
