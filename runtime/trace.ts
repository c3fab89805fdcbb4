/**
 * What passes on the bus, as one readable line each: for whoever watches a running system.
 *
 * @module
 */
import type { BusMessage } from "./bus.ts";
import { decodeFrame, type Frame } from "./frame.ts";
import { INBOXES } from "./subjects.ts";

/** Characters of a body that are shown: enough to recognize it. */
const BODY_SHOWN = 160;

/**
 * Describe one message.
 *
 * @param message What came on `lucid.v1.>`.
 * @returns One line: `n1 → n2  #7 ask session/01J….stop (4980 ms, op a) {}` for a frame, subject and text for anything else.
 */
export function traceLine(
  { subject, payload }: Pick<BusMessage, "subject" | "payload">,
): string {
  if (!subject.startsWith(INBOXES)) {
    return `${subject}  ${shown(textOf(payload))}`;
  }
  const to = subject.slice(INBOXES.length);
  try {
    return frameLine(decodeFrame(payload), to);
  } catch {
    return `? → ${to}  ${payload.length} bytes that are no frame`;
  }
}

function frameLine(frame: Frame, to: string): string {
  const { kind, from, correlation, address, command, op, leftMs, body } = frame;
  const way = `${from} → ${to}  #${correlation} ${kind}`;
  const what = shown(JSON.stringify(body));
  if (kind === "answer") return `${way} ${what}`;
  const facts = [`${leftMs} ms`, ...op === "" ? [] : [`op ${op}`]].join(", ");
  return `${way} ${address}.${command} (${facts}) ${what}`;
}

function textOf(payload: Uint8Array): string {
  // Control characters could play tricks on the terminal that shows the line.
  return new TextDecoder().decode(payload).replace(/\p{Cc}/gu, "·");
}

function shown(text: string): string {
  return text.length > BODY_SHOWN ? `${text.slice(0, BODY_SHOWN)}…` : text;
}
