/**
 * The runtime's own part of a stored document, `_rt`, and how one turn moves it on: a pure
 * function. What a turn must not forget (tells, effects, reminders, answers, watermarks, rows)
 * is in here, so one write of one document makes all of it true at once.
 *
 * @module
 */
import type { Row, Then } from "./actor.ts";
import type { TellId } from "./message.ts";
import type { Fence, StoredRow, StoredRuntime } from "./store.ts";

/** A message that must reach another actor. */
export interface TellItem {
  readonly number: number;
  readonly tell: string;
  readonly command: string;
  readonly input: unknown;
}

/** Work on the outside world that must come to an answer. */
export interface WorkItem {
  readonly number: number;
  readonly perform: string;
  readonly key: string;
  readonly input: unknown;
  readonly answer: string;
}

/** What must still happen. */
export type OutboxItem = TellItem | WorkItem;

/** An acceptance, kept so that the same request gets it again. */
export interface Answer {
  readonly op: string;
  readonly command: string;
  readonly reply: unknown;
  readonly at: number;
}

/** How far one sender's tells have been taken. */
export interface Watermark {
  readonly birth: string;
  /** The highest number taken. */
  readonly number: number;
  /** Numbers below it that were put aside: a replay of these is still to be taken. */
  readonly parked: readonly number[];
  readonly at: number;
}

/** `_rt` as the host writes it. */
export interface Runtime extends StoredRuntime {
  /** Wall time of this write. */
  readonly changed: number;
  readonly outbox: {
    /** When the document began, as a ULID; empty before its first write. */
    readonly birth: string;
    /** Number of the next item. */
    readonly next: number;
    readonly items: readonly OutboxItem[];
  };
  readonly reminders: Readonly<
    Record<string, { readonly at: number; readonly input: unknown }>
  >;
  readonly seen: {
    readonly answers: readonly Answer[];
    readonly senders: Readonly<Record<string, Watermark>>;
    /** What has gone to rows: look there before saying "never seen". */
    readonly spilled: readonly ("answers" | "senders")[];
  };
  /** Rows on their way to their tables. */
  readonly spill: readonly StoredRow[];
}

/** Items an outbox holds: past it the actor is busy, so one that nobody answers stops growing. */
export const OUTBOX_MAX = 256;
/** Messages, reminders and effects of one decision; more goes on from a cursor by reminder. */
export const THEN_MAX = 64;
/** Rows on their way in one document; past it the actor is busy until the store has taken them. */
export const SPILL_MAX = 256;
/** Answers in the document; older ones go to rows. */
const ANSWERS_MAX = 64;
/** An acceptance is answered the same for at least this long. */
const ANSWER_KEPT_MS = 24 * 60 * 60 * 1000;
/** Senders in the document; the longest silent go to rows. */
const SENDERS_MAX = 256;
/** Parked numbers kept for one sender; the oldest of more can no longer be replayed. */
const PARKED_MAX = 64;

/** Where spilled answers lie. */
export const ANSWERS_TABLE = "answers";
/** Where spilled watermarks lie. */
export const SENDERS_TABLE = "watermarks";
/** Where dead letters lie. */
export const LETTERS_TABLE = "dead_letters";

/** `_rt` of an actor that nobody has written to yet. */
export function freshRuntime(
  { fence, place }: { readonly fence: Fence; readonly place: number | string },
): Runtime {
  return {
    version: 0,
    fence,
    place,
    changed: 0,
    outbox: { birth: "", next: 1, items: [] },
    reminders: {},
    seen: { answers: [], senders: {}, spilled: [] },
    spill: [],
  };
}

/** What one turn changes in `_rt`. */
export interface Change {
  readonly address: string;
  readonly nowMs: number;
  readonly newId: () => string;
  /** Outbox items that have arrived. */
  readonly delivered: ReadonlySet<number>;
  /** How many of the rows in `spill`, from the first, have been copied. */
  readonly copied: number;
  /** The acceptance to keep. */
  readonly answer?: Omit<Answer, "at"> | undefined;
  /** The tell that was taken. */
  readonly taken?: { readonly tell: TellId; readonly parked: boolean };
  /** The reminder that was taken. */
  readonly reminded?: string;
  readonly then?: readonly Then[];
  readonly rows?: readonly Row[];
}

/** Move `_rt` on by one turn. */
export function advance(before: Runtime, change: Change): Runtime {
  const spill = [...before.spill.slice(change.copied), ...change.rows ?? []];
  const outbox = nextOutbox(before.outbox, change);
  const reminders = nextReminders(before.reminders, change);
  const seen = nextSeen(before, change, spill);
  const due = outbox.items.length > 0 || spill.length > 0
    ? 0
    : Math.min(...Object.values(reminders).map(({ at }) => at));
  return {
    version: before.version + 1,
    fence: before.fence,
    place: before.place,
    ...(Number.isFinite(due) && { due }),
    changed: change.nowMs,
    outbox,
    reminders,
    seen,
    spill,
  };
}

function nextOutbox(before: Runtime["outbox"], change: Change) {
  const birth = before.birth === "" ? change.newId() : before.birth;
  const items = before.items.filter(({ number }) =>
    !change.delivered.has(number)
  );
  let next = before.next;
  for (const then of change.then ?? []) {
    if ("tell" in then) {
      const { tell, command, input } = then;
      items.push({ number: next++, tell, command, input });
    } else if ("perform" in then) {
      const { perform, key, input, answer } = then;
      items.push({ number: next++, perform, key, input, answer });
    }
  }
  return { birth, next, items };
}

function nextReminders(before: Runtime["reminders"], change: Change) {
  const reminders = { ...before };
  if (change.reminded !== undefined) delete reminders[change.reminded];
  for (const then of change.then ?? []) {
    if (!("remind" in then)) continue;
    reminders[then.remind] = { at: then.atMs, input: then.input };
  }
  return reminders;
}

/** What has been seen after the turn; what no longer fits is pushed to `spill`. */
function nextSeen(before: Runtime, change: Change, spill: StoredRow[]) {
  const spilled = new Set(before.seen.spilled);
  let { answers, senders } = before.seen;
  if (change.answer !== undefined) {
    answers = [...answers, { ...change.answer, at: change.nowMs }];
    if (answers.length > ANSWERS_MAX) {
      answers = answers.filter(({ at }) => at > change.nowMs - ANSWER_KEPT_MS);
    }
    for (const { op, ...value } of answers.slice(0, -ANSWERS_MAX)) {
      const key = answerKey(change.address, op);
      spill.push({ table: ANSWERS_TABLE, key, value });
      spilled.add("answers");
    }
    answers = answers.slice(-ANSWERS_MAX);
  }
  if (change.taken !== undefined) {
    const { sender } = change.taken.tell;
    const rest = { ...senders };
    rest[sender] = raise(senders[sender], change.taken, change.nowMs);
    const silent = Object.entries(rest)
      .sort(([, a], [, b]) => b.at - a.at).slice(SENDERS_MAX);
    for (const [name, value] of silent) {
      delete rest[name];
      const key = senderKey(change.address, name) + versionText(before.version);
      spill.push({ table: SENDERS_TABLE, key, value: { ...value } });
      spilled.add("senders");
    }
    senders = rest;
  }
  return { answers, senders, spilled: [...spilled] };
}

function raise(
  before: Watermark | undefined,
  { tell, parked }: NonNullable<Change["taken"]>,
  nowMs: number,
): Watermark {
  const { birth, number } = tell;
  const old = before?.birth === birth
    ? before
    : { birth, number: 0, parked: [] };
  const aside = old.parked.filter((parked) => parked !== number);
  if (parked) aside.push(number);
  return {
    birth,
    number: Math.max(old.number, number),
    parked: aside.slice(-PARKED_MAX),
    at: nowMs,
  };
}

/** Whether a tell has been taken before. */
export function isTaken(mark: Watermark | undefined, tell: TellId): boolean {
  if (mark === undefined || tell.birth > mark.birth) return false;
  if (tell.birth < mark.birth) return true;
  return tell.number <= mark.number && !mark.parked.includes(tell.number);
}

/** Key of a spilled answer. */
export function answerKey(address: string, op: string): string {
  return `${address}#${op}`;
}

/** How the keys of a sender's spilled watermarks begin; the last of them is in force. */
export function senderKey(address: string, sender: string): string {
  return `${address}#${sender}#`;
}

/** Sorts as the number does. */
function versionText(version: number): string {
  return String(version).padStart(16, "0");
}
