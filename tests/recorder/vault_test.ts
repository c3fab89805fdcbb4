import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeLeaf } from "../../chain/leaf.ts";
import { HEAD_BYTES, segmentFileName } from "../../recorder/segment.ts";
import { scanSegment } from "../../recorder/segment_scan.ts";
import { openVault, type Vault } from "../../recorder/vault.ts";
import {
  listeningLog,
  plainChunk,
  SESSION,
  temporaryVault,
} from "./recordings.ts";

const OTHER = { ...SESSION, sessionId: "01ARZ3NDEKTSV4RRFFQ69G5FAW" };

function chunk(
  index: number,
  plain: Uint8Array<ArrayBuffer>,
  session = SESSION,
) {
  return {
    ...session,
    index,
    startMs: 1_000 * index,
    endMs: 1_000 * index + 1_000,
    plain,
    packing: "auto" as const,
  };
}

function text(index: number): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`chunk ${index} `.repeat(500));
}

function noise(bytes: number): Uint8Array<ArrayBuffer> {
  const noise = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(noise.subarray(at, at + 65_536));
  }
  return noise;
}

/** Close a vault, change its first segment file, and open it again. */
async function reopened(
  vault: { readonly dir: string } & Pick<Vault, "close">,
  change: (file: Deno.FsFile) => Promise<unknown>,
) {
  await vault.close();
  {
    using file = await Deno.open(`${vault.dir}/${segmentFileName(0)}`, {
      read: true,
      write: true,
    });
    await change(file);
  }
  const log = listeningLog();
  return Object.assign(
    await openVault({ dir: vault.dir, workers: 1, freeBytesFloor: 0, log }),
    { log },
  );
}

/** Byte at which `needle` begins in a file. */
async function find(file: Deno.FsFile, needle: Uint8Array): Promise<number> {
  const bytes = new Uint8Array(1024 * 1024);
  await file.seek(0, Deno.SeekMode.Start);
  await file.read(bytes);
  return bytes.toHex().indexOf(needle.toHex()) / 2;
}

async function flip(file: Deno.FsFile, offset: number): Promise<void> {
  const byte = new Uint8Array(1);
  await file.seek(offset, Deno.SeekMode.Start);
  await file.read(byte);
  await file.seek(offset, Deno.SeekMode.Start);
  await file.write(byte.map((value) => value ^ 0xff));
}

/** Byte behind a record's leaf. */
function leafEnd(
  { offset, leafBytes }: { offset: number; leafBytes: number },
): number {
  return offset + HEAD_BYTES + leafBytes;
}

async function indexes(vault: Vault, session = SESSION): Promise<number[]> {
  return (await vault.leaves(session.sessionId)).map(({ index }) => index);
}

Deno.test("vault: what two workers stored is read back, also after a restart, and no key is used twice", async () => {
  await using vault = await temporaryVault();
  const plains = [text(0), noise(50_000), new Uint8Array(), text(3)];
  await Promise.all(plains.flatMap((plain, index) => [
    vault.seal(chunk(index, plain.slice())),
    vault.seal({ ...chunk(index, plain.slice(), OTHER), packing: "gzip" }),
  ]));
  await vault.gap({
    sessionId: SESSION.sessionId,
    index: 4,
    startMs: 5_000,
    endMs: 6_000,
    reason: "test",
  });
  const check = async (vault: Vault) => {
    for (const [index, plain] of plains.entries()) {
      assert.deepEqual(await plainChunk(vault, index), plain);
      assert.deepEqual(await plainChunk(vault, index, OTHER), plain);
    }
    assert.deepEqual(await indexes(vault), [0, 1, 2, 3, 4]);
  };
  await check(vault);
  const leaves = [
    ...await vault.leaves(SESSION.sessionId),
    ...await vault.leaves(OTHER.sessionId),
  ]
    .map(({ leaf }) => decodeLeaf(leaf)).filter((leaf) =>
      leaf.kind === "chunk"
    );
  assert.equal(
    new Set(leaves.map(({ salt }) => salt.toHex())).size,
    leaves.length,
  );
  assert.equal(
    new Set(leaves.map(({ keyCommit }) => keyCommit.toHex())).size,
    leaves.length,
  );
  assert.deepEqual(leaves.map(({ codec }) => codec), [1, 0, 0, 1, 2, 2, 2, 2]);
  const again = await reopened(vault, () => Promise.resolve());
  await check(again);
  assert.deepEqual(again.log.phrases, []);
  await again.close();
});

Deno.test("vault: a position has one leaf, whoever asks again, at once or after a restart", async () => {
  await using vault = await temporaryVault();
  const [first, second] = await Promise.all([
    vault.seal(chunk(0, text(0))),
    vault.seal(chunk(0, text(1))),
  ]);
  assert.deepEqual(first.leaf, second.leaf);
  const again = await reopened(vault, () => Promise.resolve());
  assert.deepEqual((await again.seal(chunk(0, text(2)))).leaf, first.leaf);
  assert.deepEqual(
    (await again.gap({
      ...SESSION,
      index: 0,
      startMs: 0,
      endMs: 1,
      reason: "test",
    })).leaf,
    first.leaf,
  );
  await again.close();
});

Deno.test("vault: a torn tail is dropped with a word, wherever it is torn, and its position is free again", async () => {
  for (const where of ["head", "leaf", "ciphertext"] as const) {
    await using vault = await temporaryVault({ workers: 1 });
    await vault.seal(chunk(0, text(0)));
    const { leaf } = await vault.seal(chunk(1, noise(5_000)));
    const again = await reopened(vault, async (file) => {
      const at = await find(file, leaf);
      await flip(
        file,
        {
          head: at - 20,
          leaf: at + 50,
          ciphertext: at + leaf.length + 4_000,
        }[where],
      );
    });
    assert.deepEqual(again.log.phrases, ["segment tail dropped"], where);
    assert.deepEqual(await indexes(again), [0]);
    const sealed = await again.seal(chunk(1, text(9)));
    assert.notDeepEqual(sealed.leaf, leaf);
    assert.deepEqual(await plainChunk(again, 1), text(9));
    assert.deepEqual(await plainChunk(again, 0), text(0));
    await again.close();
  }
});

Deno.test("vault: a damaged record in the middle is named, and the rest stays readable", async () => {
  await using vault = await temporaryVault({ workers: 1 });
  const stored: Awaited<ReturnType<Vault["seal"]>>[] = [];
  for (let index = 0; index < 4; index++) {
    stored.push(await vault.seal(chunk(index, noise(3_000))));
  }
  const again = await reopened(vault, async (file) => {
    await flip(file, await find(file, stored[1]!.leaf) + 10);
    await flip(
      file,
      await find(file, stored[2]!.leaf) + stored[2]!.leaf.length + 10,
    );
  });
  assert.deepEqual(again.log.phrases, ["segment record damaged"]);
  assert.deepEqual(await indexes(again), [0, 2, 3]);
  await assert.rejects(again.read(SESSION.sessionId, 1), {
    code: "recording/no-chunk",
  });
  await assert.rejects(again.read(SESSION.sessionId, 2), {
    code: "recording/damaged",
    message: /byte \d+ of 00000000\.seg/,
  });
  assert.equal((await plainChunk(again, 3)).length, 3_000);
  await again.close();
});

Deno.test("vault: a copy of a record at another place is no record", async () => {
  await using vault = await temporaryVault({ workers: 1 });
  const { leaf } = await vault.seal(chunk(0, noise(1_000)));
  const again = await reopened(vault, async (file) => {
    const bytes = new Uint8Array(2_000);
    await file.seek(await find(file, leaf) - HEAD_BYTES, Deno.SeekMode.Start);
    await file.read(bytes);
    await file.seek(100_000, Deno.SeekMode.Start);
    await file.write(bytes);
  });
  assert.deepEqual(again.log.phrases, []);
  assert.deepEqual(await indexes(again), [0]);
  await again.close();
});

Deno.test("vault: full segments are closed, the next is begun, and erasing gives the space back", async () => {
  await using vault = await temporaryVault({ workers: 1 });
  const large = noise(10 * 1024 * 1024);
  for (let index = 0; index < 8; index++) {
    await vault.seal(chunk(index, large.slice()));
  }
  await vault.seal(chunk(0, text(0), OTHER));
  assert.deepEqual(vault.usage(), {
    sessions: 2,
    leaves: 9,
    diskBytes: 128 * 1024 * 1024,
  });
  assert.deepEqual(await plainChunk(vault, 7), large);
  await vault.erase(SESSION.sessionId);
  assert.deepEqual(vault.usage(), {
    sessions: 1,
    leaves: 1,
    diskBytes: 64 * 1024 * 1024,
  });
  assert.deepEqual(await indexes(vault), []);
  await vault.close();
  const again = await openVault({
    dir: vault.dir,
    workers: 2,
    freeBytesFloor: 0,
    log: listeningLog(),
  });
  assert.deepEqual(again.usage(), {
    sessions: 1,
    leaves: 1,
    diskBytes: 64 * 1024 * 1024,
  });
  assert.deepEqual(await plainChunk(again, 0, OTHER), text(0));
  await again.close();
});

Deno.test("vault: a chunk that breaks the format is refused, its bytes come back, and the vault goes on", async () => {
  await using vault = await temporaryVault();
  const backwards = { ...chunk(0, text(0)), startMs: 5, endMs: 4 };
  await assert.rejects(vault.seal(backwards), {
    code: "recording/storage-failed",
  });
  assert.deepEqual(backwards.plain, text(0));
  await vault.seal({ ...backwards, endMs: 6 });
  assert.deepEqual(await plainChunk(vault, 0), text(0));
});

Deno.test("vault: below the floor no recording may begin", async () => {
  await using vault = await temporaryVault({ freeBytesFloor: 2 ** 60 });
  assert.throws(() => vault.requireRoom(), {
    code: "recording/disk-low",
    kind: "exhausted",
    message: /MiB of disk are left/,
  });
});

Deno.test("vault: a folder that cannot be used is a sentence with advice", async () => {
  const file = await Deno.makeTempFile();
  await assert.rejects(
    openVault({
      dir: file,
      workers: 1,
      freeBytesFloor: 0,
      log: listeningLog(),
    }),
    {
      code: "recording/vault-unreadable",
      message: /^Cannot open the recordings in .*readable and writable/,
    },
  );
  await Deno.remove(file);
});

Deno.test("vault: whatever lies in a segment file, scanning ends and keeps only what was written", async () => {
  await using vault = await temporaryVault({ workers: 1 });
  for (let index = 0; index < 3; index++) {
    await vault.seal(chunk(index, text(index)));
  }
  await vault.close();
  const whole = (await Deno.readFile(`${vault.dir}/${segmentFileName(0)}`))
    .slice(0, 2_000);
  const path = `${vault.dir}/hostile`;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          at: fc.nat(1_999),
          with: fc.uint8Array({ minLength: 1, maxLength: 60 }),
        }),
        { maxLength: 4 },
      ),
      fc.nat(2_000),
      async (edits, length) => {
        const bytes = whole.slice();
        for (const edit of edits) {
          bytes.set(edit.with.subarray(0, bytes.length - edit.at), edit.at);
        }
        await Deno.writeFile(path, bytes.subarray(0, length));
        const { records } = await scanSegment(path, {
          number: 0,
          log: listeningLog(),
        });
        for (const record of records) {
          assert.deepEqual(
            bytes.slice(record.offset, leafEnd(record)),
            whole.slice(record.offset, leafEnd(record)),
          );
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

for (const point of ["segment-write", "segment-fsync"] as const) {
  Deno.test(`vault: killed at ${point}, it opens with every acknowledged chunk`, async () => {
    await using vault = await temporaryVault({ workers: 1 });
    const program = new URL("./crashing_vault.ts", import.meta.url).pathname;
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      const { stdout, signal } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-prompt",
          program,
          vault.dir,
          point,
          String(acknowledged),
        ],
        stderr: "null",
      }).output();
      assert.equal(signal, "SIGKILL");
      acknowledged += new TextDecoder().decode(stdout).split("\n").length - 1;
      const again = await openVault({
        dir: vault.dir,
        workers: 1,
        freeBytesFloor: 0,
        log: listeningLog(),
      });
      const leaves = await indexes(again);
      assert.ok(leaves.length >= acknowledged);
      for (const index of leaves) {
        assert.deepEqual(await plainChunk(again, index), text(index));
      }
      acknowledged = leaves.length;
      await again.close();
    }
    assert.ok(acknowledged >= 6);
  });
}

Deno.test({
  name:
    "vault: a full disk is said in a sentence, and the chunk goes in once there is room",
  ignore: Deno.uid() !== 0,
  async fn() {
    const program = new URL("./full_disk.ts", import.meta.url).pathname;
    const dir = await Deno.makeTempDir({ prefix: "lucid-disk-" });
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=12m tmpfs "$1" && exec "$2" run -A --no-prompt "$3" "$1"',
      ]
        .concat("sh", dir, Deno.execPath(), program),
    }).output();
    await Deno.remove(dir);
    assert.equal(
      new TextDecoder().decode(stdout),
      "recording/disk-full: Cannot store a chunk: the disk is full. Free some space, or delete old sessions\nstored\n",
      new TextDecoder().decode(stderr),
    );
  },
});
