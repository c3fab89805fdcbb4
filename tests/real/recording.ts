/**
 * What tests with a real Lucid say about its recordings: begin one, look at it, bring it to its end, and
 * hold it to everything that was promised.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ChunkLeaf, decodeLeaf } from "../../chain/leaf.ts";
import { verifyProof } from "../../chain/verify.ts";
import { type Lucid, until } from "../support/lucid.ts";

/** A session as the API shows it, as far as tests look at it. */
export interface SessionView {
  readonly session_id: string;
  readonly status: string;
  readonly failed: boolean;
  readonly failure?: string;
  readonly desktop: string;
  readonly chunk_count: number;
  readonly gap_count: number;
  readonly entry_id?: string;
}

/** A chunk or a gap as the API shows it. */
export interface ChunkView {
  readonly sequence_number: number;
  readonly status: "stored" | "gap";
  readonly leaf: string;
  readonly reason?: string;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string;
}

/** Short enough for a test to see several; the shortest there is. */
const CHUNK_MS = 1_000;

/** A small desktop that is recorded from now on; resolves to its session. */
export async function record(
  lucid: Lucid,
  body: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { session_id: id } = await lucid.post<SessionView>("/sessions", {
    source: { kind: "desktop", width: 320, height: 240 },
    chunk_ms: CHUNK_MS,
    ...body,
  });
  await lucid.post(`/sessions/${id}/start`);
  return id;
}

/** A session. */
export function sessionOf(lucid: Lucid, id: string): Promise<SessionView> {
  return lucid.get(`/sessions/${id}`);
}

/** All sessions. */
export async function sessionsOf(lucid: Lucid): Promise<SessionView[]> {
  return await all(lucid, "/sessions");
}

/** What is acknowledged of a session, by rising index. */
export async function chunksOf(
  lucid: Lucid,
  id: string,
): Promise<ChunkView[]> {
  return await all(lucid, `/sessions/${id}/chunks`);
}

/** Resolves when a session has `count` leaves. */
export async function recorded(
  lucid: Lucid,
  id: string,
  count: number,
): Promise<ChunkView[]> {
  return await until(`session ${id} has ${count} leaves`, async () => {
    const chunks = await chunksOf(lucid, id);
    return chunks.length >= count && chunks;
  });
}

/** Stop a session if it still records, and wait until it is completed. */
export async function complete(
  lucid: Lucid,
  id: string,
): Promise<SessionView> {
  if ((await sessionOf(lucid, id)).status === "recording") {
    await lucid.post(`/sessions/${id}/stop`);
  }
  return await completed(lucid, id);
}

/** Wait until a session is completed. */
export async function completed(
  lucid: Lucid,
  id: string,
): Promise<SessionView> {
  let last: SessionView | undefined;
  try {
    return await until(`session ${id} is completed`, async () => {
      last = await sessionOf(lucid, id);
      return last.status === "completed" && last;
    });
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}`);
  }
}

/** The ids of all blocks so far, by height. */
export async function blocksOf(lucid: Lucid): Promise<Map<number, string>> {
  const blocks = await all<{ height: number; block_id: string }>(
    lucid,
    "/chain/blocks",
  );
  return new Map(blocks.map(({ height, block_id }) => [height, block_id]));
}

/** How often the log has a final anchor of each session. */
export async function finalAnchors(lucid: Lucid): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const height of (await blocksOf(lucid)).keys()) {
    const { entries } = await lucid.get<
      { entries: { entry_id: string; type: string }[] }
    >(`/chain/blocks/${height}`);
    for (const { entry_id, type } of entries) {
      if (type !== "final") continue;
      const { body } = await lucid.get<{ body: { session_id: string } }>(
        `/chain/transactions/${entry_id}`,
      );
      counts.set(body.session_id, (counts.get(body.session_id) ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * Everything that is promised of a completed session: leaves without holes, times that do not overlap,
 * chunks that open, proofs that hold offline.
 *
 * @returns The leaves of its chunks, for comparisons across sessions.
 */
export async function holdToPromises(
  lucid: Lucid,
  id: string,
): Promise<ChunkLeaf[]> {
  const chunks = await chunksOf(lucid, id);
  const { chunk_count, gap_count } = await sessionOf(lucid, id);
  assert.equal(chunks.length, chunk_count);
  const trust = await lucid.text("/chain/trust");
  const leaves: ChunkLeaf[] = [];
  let untilMs = 0;
  for (const [index, { sequence_number, leaf: hex }] of chunks.entries()) {
    assert.equal(sequence_number, index, "leaves have no holes");
    const leaf = decodeLeaf(Uint8Array.fromHex(hex));
    assert.equal(leaf.index, index);
    assert.ok(leaf.startMs >= untilMs, `leaf ${index} overlaps the one before`);
    untilMs = leaf.endMs;
    const path = `/sessions/${id}/chunks/${index}`;
    const evidence = leaf.kind === "gap" ? {} : {
      chunk: await lucid.bytes(path),
      key: Uint8Array.fromHex(
        (await lucid.post<{ key: string }>(`${path}/disclose`)).key,
      ),
    };
    const { answer, steps, plain } = verifyProof({
      proof: await lucid.text(`/sessions/${id}/proof?chunk=${index}`),
      trust,
      nowMs: Date.now(),
      ...evidence,
    });
    assert.equal(answer, "VALID(single-operator)", JSON.stringify(steps));
    if (leaf.kind === "gap") continue;
    leaves.push(leaf);
    assert.deepEqual(plain, await lucid.bytes(`${path}?form=plain`));
  }
  assert.equal(chunks.length - leaves.length, gap_count);
  return leaves;
}

/** No two chunks were sealed under one key. */
export function assertKeysDiffer(leaves: readonly ChunkLeaf[]): void {
  for (const field of ["salt", "keyCommit"] as const) {
    const values = leaves.map((leaf) => leaf[field].toHex());
    assert.equal(new Set(values).size, leaves.length, `a ${field} came twice`);
  }
}

/** All pages of a list, in the order of the list. */
async function all<T>(lucid: Lucid, path: string): Promise<T[]> {
  const found: T[] = [];
  let cursor = "";
  while (true) {
    const page = await lucid.get<Page<T>>(`${path}?limit=100${cursor}`);
    found.push(...page.items);
    if (page.next_cursor === undefined) return found;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}
