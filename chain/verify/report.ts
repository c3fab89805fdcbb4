/**
 * The answer to a proof, what was found on the way to it, and what it does not say.
 *
 * @module
 */
import type { Anchor } from "../anchor.ts";
import type { FinalAnchor } from "../final_anchor.ts";
import type { Bytes } from "../hash.ts";
import type { Header } from "../header.ts";
import type { InterimRow } from "../interim_anchors.ts";
import type { Leaf } from "../leaf.ts";
import type { Proof } from "../proof.ts";
import type { Trust } from "../trust.ts";
import type { DatingBlock } from "./anchored.ts";
import type { Step, StepName } from "./steps.ts";

/** Cosignatures of the log by others: `tlogProof` is not looked at yet. */
const WITNESSES = 0;

/** A block as a proof shows it. */
export interface ShownBlock {
  readonly height: number;
  readonly blockId: Bytes;
  readonly timeMs: number;
}

/** What a proof is about; complete once no step has failed. */
export interface Findings {
  readonly network: string | undefined;
  readonly chainId: Bytes;
  /** ULID. */
  readonly sessionId: string;
  readonly leaf: Leaf;
  readonly anchorIndex: number;
  /** The block that holds the anchor, and so dates it. */
  readonly dated: ShownBlock;
  /** The block whose certificate vouches for the log up to there. */
  readonly certified: ShownBlock;
  /** Validators in the smallest set on the way. */
  readonly smallestSet: number;
  readonly witnesses: number;
  /** Absent without a trust file. */
  readonly trust: {
    readonly height: number;
    readonly timeMs: number | undefined;
  } | undefined;
  /** Height of the predecessor's last certified block, where the trust file names a predecessor. */
  readonly recoveredHeight: number | undefined;
  /** Said by the recorder alone, under its signature; the chain does not know better. */
  readonly recorderSays: {
    readonly recorderKey: Bytes;
    readonly anchor: FinalAnchor | InterimRow;
  };
}

/** The answer to a proof. */
export interface Report {
  /** `VALID(single-operator)`, `INVALID(chunk)` … */
  readonly answer: string;
  /** 0 valid · 1 invalid · 2 unpinned · 4 interim. */
  readonly exitCode: 0 | 1 | 2 | 4;
  readonly steps: readonly Step[];
  /** Absent where a step failed. */
  readonly findings: Findings | undefined;
  /** What the answer does not say. */
  readonly caveats: readonly string[];
  /** The chunk's plain bytes, where chunk and key were given and all holds. */
  readonly plain: Bytes | undefined;
}

/** What the steps of a whole proof left behind. */
export interface Followed {
  readonly proof: Proof;
  readonly trust: Trust | undefined;
  readonly leaf: Leaf;
  readonly anchor: Anchor;
  /** By the recorder, of the session. */
  readonly said: FinalAnchor | InterimRow;
  readonly dating: DatingBlock;
  readonly smallestSet: number;
  readonly plain: Bytes | undefined;
}

/** The answer where a step failed: the last of `steps`. */
export function invalid(steps: readonly Step[]): Report {
  return {
    answer: `INVALID(${steps.at(-1)!.name})`,
    exitCode: 1,
    steps,
    findings: undefined,
    caveats: [],
    plain: undefined,
  };
}

/** The answer where every step holds. */
export function conclude(followed: Followed, steps: readonly Step[]): Report {
  const { trust, anchor, smallestSet, plain } = followed;
  const who = smallestSet === 1
    ? "single-operator"
    : `${smallestSet}, ${WITNESSES}`;
  const [answer, exitCode] = trust === undefined
    ? ["UNPINNED", 2 as const]
    : anchor.kind === "interim"
    ? [`INTERIM(${who})`, 4 as const]
    : [`VALID(${who})`, 0 as const];
  return {
    answer,
    exitCode,
    steps,
    findings: findings(followed),
    caveats: caveats(followed, steps),
    plain,
  };
}

function findings(
  { proof, trust, leaf, anchor, said, dating, smallestSet }: Followed,
): Findings {
  const certified = proof.certified.at(-1)!;
  return {
    network: trust?.genesis.params.network,
    chainId: proof.chainId,
    sessionId: proof.sessionId,
    leaf,
    anchorIndex: proof.anchorIndex,
    dated: shown(dating),
    certified: shown(certified),
    smallestSet,
    witnesses: WITNESSES,
    trust: trust && {
      height: trust.height,
      timeMs: trustedTime(trust, certified.header),
    },
    recoveredHeight: trust?.predecessor &&
      trust.genesis.predecessor!.certificate.height,
    recorderSays: { recorderKey: anchor.recorderKey, anchor: said },
  };
}

function shown({ header, blockId }: DatingBlock): ShownBlock {
  return { height: header.height, blockId, timeMs: header.timeMs };
}

/** A trust file does not date its block; the genesis dates itself, and the proof dates the blocks it shows. */
function trustedTime(
  { genesis, height }: Trust,
  certified: Header,
): number | undefined {
  if (height === 0) return genesis.params.t0Ms;
  return certified.height === height ? certified.timeMs : undefined;
}

function caveats(
  { trust, anchor, smallestSet, leaf }: Followed,
  steps: readonly Step[],
): string[] {
  const wasTaken = (name: StepName) => steps.some((step) => step.name === name);
  const said = ["It does not show whether the session was superseded later."];
  if (trust === undefined) {
    said.unshift(
      "Without a trust file this says nothing about who made it: anybody can make a chain of their own.",
    );
  } else {
    if (smallestSet === 1) {
      said.push(
        "One operator decided every block: what nobody else has seen, they could rewrite.",
      );
    }
    said.push(
      `Keys in force at height ${
        trust.height + 1
      } matter until the trust file is advanced past them.`,
    );
  }
  if (anchor.kind === "interim") {
    said.push(
      "The session was still running: its final anchor is another entry.",
    );
  }
  if (!wasTaken("chunk")) {
    said.push(
      `Only the leaf was checked${
        leaf.kind === "chunk" ? ", no chunk was given" : ""
      }.`,
    );
  } else if (!wasTaken("key")) {
    said.push("Ciphertext only: says nothing about who made it.");
  }
  return said;
}
