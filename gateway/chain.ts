/**
 * `/api/v1/chain`: Lucid's own chain as this node holds it, and the checking of proofs.
 *
 * @module
 */
import { LucidError } from "@lucid/runtime";
import { z } from "zod";
import { decodeHeader } from "../chain/header.ts";
import { json, jsonContent } from "./answer.ts";
import { decimal } from "./check.ts";
import { showEntry } from "./entry_view.ts";
import { type Operation, operation } from "./operation.ts";
import { pageOf, PAGING } from "./page.ts";
import type { Block, BlockHead, GatewayPorts } from "./ports.ts";
import { verifyOperation } from "./verify.ts";

const PREFIX = "/api/v1/chain";
const Hash = z.string().regex(/^[0-9a-f]{64}$/);
const Count = z.int().min(0);

const Info = z.strictObject({
  network: z.string(),
  chain_id: Hash,
  height: Count,
  block_id: Hash,
  block_time: Count,
  entries: Count,
  root: Hash,
  pending: Count,
  slot_ms: Count,
  validators: Count,
  waiting_for: z.string().exactOptional().meta({
    description: "Why no block is made though it would be time",
  }),
});

const BlockSummary = z.strictObject({
  height: Count,
  block_id: Hash,
  block_time: Count.exactOptional().meta({
    description: "Absent for block 0, which is the genesis entry alone",
  }),
  slot: Count.exactOptional(),
  prev_block_id: Hash.exactOptional(),
  creator: Hash.exactOptional(),
  first_index: Count,
  entry_count: Count,
});

const EntryName = z.strictObject({
  index: Count,
  entry_id: Hash,
  type: z.string(),
});

const BlockView = BlockSummary.extend({
  header: z.record(z.string(), z.unknown()).exactOptional().meta({
    description: "All fields of the header, byte strings in hex",
  }),
  entries: z.array(EntryName),
});

const TransactionView = z.strictObject({
  entry_id: Hash,
  status: z.enum(["pending", "decided"]),
  height: Count.exactOptional(),
  block_id: Hash.exactOptional(),
  index: Count.exactOptional(),
  type: z.string(),
  body: z.record(z.string(), z.unknown()).meta({
    description: "The fields of the entry's body, byte strings in hex",
  }),
  signatures: z.array(z.string()),
  bytes: z.string().meta({
    description: "The entry's canonical bytes, in base64",
  }),
});

/** A block is named by its height or by its id. */
const BlockName = z.string()
  .regex(
    /^(?:[0-9a-f]{64}|0|[1-9]\d{0,15})$/,
    "is neither a height nor a block id",
  )
  .transform((name) => name.length === 64 ? name : Number(name))
  .pipe(z.union([Hash, Count]));

/** The operations on the chain. */
export function chainOperations(ports: GatewayPorts): readonly Operation[] {
  const { chain } = ports;
  return [
    operation({
      method: "get",
      path: `${PREFIX}/info`,
      id: "chain.info",
      tag: "Chain",
      summary: "Where the chain stands",
      status: 200,
      content: jsonContent(Info, "Its newest block and its size"),
      refusals: ["chain/unavailable"],
      async handle() {
        const info = await chain.info();
        return json({
          network: info.network,
          chain_id: info.chainId,
          height: info.height,
          block_id: info.blockId,
          block_time: info.blockTimeMs,
          entries: info.entries,
          root: info.root,
          pending: info.pending,
          slot_ms: info.slotMs,
          validators: info.validators,
          ...(info.waitingFor === undefined
            ? {}
            : { waiting_for: info.waitingFor }),
        });
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/blocks`,
      id: "chain.blocks",
      tag: "Chain",
      summary: "List blocks, the newest first",
      query: z.strictObject({
        limit: PAGING.limit,
        cursor: decimal(z.int().min(0).max(Number.MAX_SAFE_INTEGER))
          .exactOptional()
          .meta({ description: "`next_cursor` of the page before: a height" }),
      }),
      status: 200,
      content: jsonContent(pageOf(BlockSummary), "One page of blocks"),
      refusals: ["chain/unavailable"],
      async handle({ query: { limit, cursor } }) {
        const { height } = await chain.info();
        const from = Math.min(cursor ?? height, height);
        const blocks = await chain.blocks({ from, limit });
        const next = from - blocks.length;
        return json({
          items: blocks.map(summary),
          ...(blocks.length === 0 || next < 0
            ? {}
            : { next_cursor: String(next) }),
        });
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/blocks/{block}`,
      id: "chain.block",
      tag: "Chain",
      summary: "Read a block by its height or id",
      params: z.strictObject({ block: BlockName }),
      status: 200,
      content: jsonContent(BlockView, "The block"),
      refusals: ["chain/no-block", "chain/unavailable"],
      async handle({ params: { block: name } }) {
        const block = await chain.block(name);
        if (block === undefined) {
          throw new LucidError(
            "chain/no-block",
            "missing",
            `Cannot read block ${name}: there is none`,
          );
        }
        return json(showBlock(block));
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/transactions/{entry_id}`,
      id: "chain.transaction",
      tag: "Chain",
      summary: "Read one entry of the log by its id",
      params: z.strictObject({ entry_id: Hash }),
      status: 200,
      content: jsonContent(TransactionView, "The entry"),
      refusals: ["chain/no-transaction", "chain/unavailable"],
      async handle({ params: { entry_id } }) {
        const found = await chain.transaction(entry_id);
        if (found === undefined) {
          throw new LucidError(
            "chain/no-transaction",
            "missing",
            `Cannot read entry ${entry_id}: it is in no block, and none waits`,
          );
        }
        const { bytes, decided } = found;
        return json({
          entry_id,
          ...(decided === undefined ? { status: "pending" } : {
            status: "decided",
            height: decided.height,
            block_id: decided.blockId,
            index: decided.index,
          }),
          ...showEntry(bytes),
          bytes: bytes.toBase64(),
        });
      },
    }),
    operation({
      method: "get",
      path: `${PREFIX}/trust`,
      id: "chain.trust",
      tag: "Chain",
      summary: "Download the trust file",
      description:
        "It pins this chain: without one a proof means nothing. Get it from somebody you trust, once, and keep it.",
      status: 200,
      content: {
        description: "The trust file, lucid-trust/1",
        mediaType: "application/json",
      },
      refusals: ["chain/unavailable"],
      async handle() {
        // Shown rather than saved: a browser that opens it lets people compare it.
        return new Response(await chain.trust(), {
          headers: { "content-type": "application/json" },
        });
      },
    }),
    verifyOperation(ports),
  ];
}

function summary({ height, blockId, header: bytes }: BlockHead) {
  if (bytes === undefined) {
    return { height, block_id: blockId, first_index: 0, entry_count: 1 };
  }
  const header = decodeHeader(bytes);
  return {
    height,
    block_id: blockId,
    block_time: header.timeMs,
    slot: header.slot,
    prev_block_id: header.prevBlockId.toHex(),
    creator: header.creator.toHex(),
    first_index: header.firstIndex,
    // The header is the block's last entry.
    entry_count: header.preSize - header.firstIndex + 1,
  };
}

function showBlock(block: Block) {
  return {
    ...summary(block),
    ...(block.header === undefined
      ? {}
      : { header: showEntry(block.header).body }),
    entries: block.entries.map(({ index, entryId, bytes }) => ({
      index,
      entry_id: entryId,
      type: showEntry(bytes).type,
    })),
  };
}
