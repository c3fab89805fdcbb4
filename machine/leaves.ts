/**
 * The leaves that a session counted, as it keeps them: rows that were committed with its count. Proofs and
 * roots are made from these, so that neither a leaf that the disk lost nor one that nobody counted can change them.
 *
 * @module
 */
import { LucidError, PAGE_MAX, type Store } from "@lucid/runtime";
import type { Bytes } from "../chain/hash.ts";
import { MerkleTree } from "../chain/merkle_tree.ts";

/**
 * The first leaves of a session.
 *
 * @param count How many: as many as the session, or one of its anchors, says.
 * @throws {LucidError} `leaves/not-yet` while rows of the last commit are still on their way.
 */
export async function leavesOf(
  store: Pick<Store, "list">,
  sessionId: string,
  count: number,
): Promise<readonly Bytes[]> {
  const leaves: Bytes[] = [];
  let after: string | undefined;
  do {
    const page = await store.list("chunks", {
      prefix: `${sessionId}/`,
      limit: PAGE_MAX,
      ...(after === undefined ? {} : { after }),
    });
    for (const { fields } of page.items) {
      leaves.push(Uint8Array.fromHex(fields["leaf"] as string));
    }
    after = page.next;
  } while (after !== undefined && leaves.length < count);
  if (leaves.length < count) {
    throw new LucidError(
      "leaves/not-yet",
      "unavailable",
      `Cannot read ${count} leaves of session ${sessionId}: ${leaves.length} are here so far`,
    );
  }
  return leaves.slice(0, count);
}

/** The tree over leaves. */
export function treeOver(leaves: readonly Bytes[]): MerkleTree {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.append(leaf);
  return tree;
}
