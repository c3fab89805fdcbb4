import assert from "node:assert/strict";
import { systemClock } from "@lucid/runtime";
import { answerChallenge, des } from "../../recorder/vnc_auth.ts";
import { openTap } from "../../recorder/tap.ts";
import { startXvnc, VIEW_PASSWORD } from "../support/xvnc.ts";

/** Key, plain, cipher: FIPS 81, table B1, and the first of NIST SP 500-20's variable-plaintext test. */
const DES_VECTORS = [
  ["0123456789abcdef", "4e6f772069732074", "3fa40e8a984d4815"],
  ["0101010101010101", "8000000000000000", "95f8a5e5dd31d900"],
  ["8001010101010101", "0000000000000000", "95a8d72813daa94d"],
] as const;

Deno.test("vnc_auth.des agrees with the published vectors", () => {
  for (const [key, plain, cipher] of DES_VECTORS) {
    assert.equal(
      new Uint8Array(des(Uint8Array.fromHex(key), Uint8Array.fromHex(plain)))
        .toHex(),
      cipher,
    );
  }
});

Deno.test("vnc_auth.answerChallenge looks at eight bytes of the password, mirrored", () => {
  const challenge = Uint8Array.fromHex("4e6f772069732074".repeat(2));
  const short = answerChallenge(challenge, "viewonly");
  assert.deepEqual(answerChallenge(challenge, "viewonly and more"), short);
  assert.notDeepEqual(answerChallenge(challenge, "viewonl"), short);
  assert.deepEqual(short.subarray(0, 8), short.subarray(8));
  // "viewonly", each byte read from its other end.
  assert.deepEqual(
    short.subarray(0, 8),
    new Uint8Array(
      des(Uint8Array.fromHex("6e96a6eef676369e"), challenge.subarray(0, 8)),
    ),
  );
});

Deno.test("tap: a real server lets in the view-only password and nobody else, and listens on no TCP port", async () => {
  await using xvnc = await startXvnc();
  const options = { path: xvnc.path, clock: systemClock, withinMs: 5_000 };
  const tap = await openTap({ ...options, password: VIEW_PASSWORD });
  assert.deepEqual([tap.width, tap.height], [640, 400]);
  await tap.askProof();
  assert.ok((await tap.next()).length > 0);
  tap.close();
  await assert.rejects(tap.next(), { code: "tap/lost" });
  await assert.rejects(openTap({ ...options, password: "wrong" }), {
    code: "tap/refused",
  });
  await assert.rejects(openTap(options), {
    code: "tap/refused",
    message: /security types 2/,
  });
  assert.deepEqual(await listeningPorts(xvnc.pid), []);
});

Deno.test("tap: nothing there, and a server that says nothing, are lost in time", async () => {
  const dir = await Deno.makeTempDir();
  const options = {
    path: `${dir}/rfb.sock`,
    clock: systemClock,
    withinMs: 100,
  };
  await assert.rejects(openTap(options), {
    code: "tap/lost",
    message: /nothing listens/,
  });
  using _listener = Deno.listen({ transport: "unix", path: options.path });
  await assert.rejects(openTap(options), { code: "tap/lost" });
  await Deno.remove(dir, { recursive: true });
});

const GREETING = [
  ...new TextEncoder().encode("RFB 003.008\n"),
  1,
  1,
  0,
  0,
  0,
  0,
];
const INIT = [0, 8, 0, 8, ...Array(16).fill(0), 0, 0, 0, 0];
const HEAD = [0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, 8];

const HOSTILE: {
  readonly name: string;
  readonly says: readonly number[];
  readonly code: string;
}[] = [
  {
    name: "another protocol",
    says: [...new TextEncoder().encode("SSH-2.0-Open")],
    code: "rfb/malformed",
  },
  {
    name: "a name of 4 GB",
    says: [...GREETING, ...INIT.slice(0, 20), 255, 255, 255, 255],
    code: "rfb/malformed",
  },
  {
    name: "an update of 4 GB",
    says: [...GREETING, ...INIT, ...HEAD, 0, 0, 0, 16, 255, 255, 255, 255],
    code: "rfb/malformed",
  },
  {
    name: "a clipboard of 4 GB",
    says: [...GREETING, ...INIT, 3, 0, 0, 0, 255, 255, 255, 255],
    code: "rfb/malformed",
  },
  {
    name: "an encoding nobody asked for",
    says: [...GREETING, ...INIT, ...HEAD, 0, 0, 0, 7],
    code: "rfb/malformed",
  },
  {
    name: "a rectangle beyond the screen",
    says: [
      ...GREETING,
      ...INIT,
      0,
      0,
      0,
      1,
      0,
      1,
      ...HEAD.slice(6),
      0,
      0,
      0,
      16,
    ],
    code: "rfb/malformed",
  },
  {
    name: "an unknown message",
    says: [...GREETING, ...INIT, 99],
    code: "rfb/malformed",
  },
  {
    name: "half a picture",
    says: [...GREETING, ...INIT, ...HEAD, 0, 0, 0, 16, 0, 0],
    code: "tap/lost",
  },
  {
    name: "a refusal",
    says: [...GREETING.slice(0, 12), 0, 0, 0, 0, 2, 110, 111],
    code: "tap/refused",
  },
];

for (const { name, says, code } of HOSTILE) {
  Deno.test(`tap: a server with ${name} is refused`, async () => {
    const dir = await Deno.makeTempDir();
    const path = `${dir}/rfb.sock`;
    using listener = Deno.listen({ transport: "unix", path });
    const serving = listener.accept().then(async (connection) => {
      await connection.write(Uint8Array.from(says));
      await connection.closeWrite();
      while (
        await connection.read(new Uint8Array(1_000)).catch(() => null) !== null
      );
      connection.close();
    });
    await assert.rejects(
      openTap({ path, clock: systemClock, withinMs: 5_000 }),
      { code, message: /^Cannot / },
    );
    await serving;
    await Deno.remove(dir, { recursive: true });
  });
}

Deno.test("tap: a picture in pieces, with other messages in between, is awaited", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/rfb.sock`;
  using listener = Deno.listen({ transport: "unix", path });
  const half = (
    y: number,
  ) => [0, 0, 0, 1, 0, 0, 0, y, 0, 8, 0, 4, 0, 0, 0, 16, 0, 0, 0, 1, 42];
  const serving = listener.accept().then(async (connection) => {
    const bell = [2],
      clipboard = [3, 0, 0, 0, 0, 0, 0, 2, 104, 105],
      colours = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for (
      const byte of [
        ...GREETING,
        ...INIT,
        ...half(0),
        ...bell,
        ...clipboard,
        ...colours,
        ...half(4),
      ]
    ) {
      await connection.write(Uint8Array.of(byte));
    }
    while (await connection.read(new Uint8Array(1_000)) !== null);
    connection.close();
  });
  const tap = await openTap({ path, clock: systemClock, withinMs: 5_000 });
  assert.deepEqual(tap.picture.map((piece) => [...piece]), [half(0), half(4)]);
  tap.close();
  await serving;
  await Deno.remove(dir, { recursive: true });
});

/** TCP ports that a process listens on, from the inodes of its sockets. */
async function listeningPorts(pid: number): Promise<string[]> {
  const inodes = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const inode = /^socket:\[(\d+)\]$/.exec(
      await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => ""),
    )?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((table) =>
      Deno.readTextFile(`/proc/${pid}/net/${table}`)
    ),
  );
  return tables.join("\n").split("\n").map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && inodes.has(fields[9] ?? "")).map((
      fields,
    ) => fields[1]!);
}
