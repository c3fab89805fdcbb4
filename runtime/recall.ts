/**
 * What has left a document for the rows beside it, read back: answers and watermarks.
 *
 * @module
 */
import {
  type Answer,
  answerKey,
  ANSWERS_TABLE,
  senderKey,
  SENDERS_TABLE,
  type Watermark,
} from "./document.ts";
import type { Store } from "./store.ts";

/** The acceptance that operation `op` of an actor was given, if it is among the rows. */
export async function recallAnswer(
  store: Store,
  address: string,
  op: string,
): Promise<Pick<Answer, "command" | "reply"> | undefined> {
  const id = answerKey(address, op);
  const row = await store.get({ collection: ANSWERS_TABLE, id });
  return row?.fields as Pick<Answer, "command" | "reply"> | undefined;
}

/** How far an actor had taken a sender's tells when that went to the rows. */
export async function recallMark(
  store: Store,
  address: string,
  sender: string,
): Promise<Watermark | undefined> {
  const { items: [last] } = await store.list(SENDERS_TABLE, {
    prefix: senderKey(address, sender),
    descending: true,
    limit: 1,
  });
  return last?.fields as Watermark | undefined;
}
