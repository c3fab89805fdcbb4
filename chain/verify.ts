/**
 * Verification of a proof, step by step, against a trust file. What is answered:
 *
 * - `VALID(n, witnesses)` or `VALID(single-operator)`: the leaf was anchored in a block that the trusted set decided;
 *   n is the smallest set on the way;
 * - `INTERIM(…)`: the same of an interim anchor: the session was still running;
 * - `UNPINNED`: everything fits together, but without a trust file anybody could have made it all;
 * - `INVALID(step)`: the first step that failed, and why.
 *
 * @module
 */
import {
  type Anchor,
  type FinalAnchor,
  type InterimRow,
  readAnchor,
} from "./anchor.ts";
import { CLOCK_SKEW_MS_MAX } from "./draft.ts";
import { decodeEntry, type Entry, isSigned } from "./entry.ts";
import { FormatError, require } from "./error.ts";
import { validatorsHash } from "./genesis.ts";
import { type Bytes, sameBytes } from "./hash.ts";
import {
  checkGrid,
  checkOrder,
  type Header,
  userEntriesStart,
} from "./header.ts";
import { type ChunkLeaf, decodeLeaf, type Leaf } from "./leaf.ts";
import { leafHash, provesConsistency, provesInclusion } from "./merkle.ts";
import { checkKey, checkSealed, checkSegments, decrypt } from "./open_chunk.ts";
import { type CertifiedHeader, parseProof, type Proof } from "./proof.ts";
import { checkCertificate } from "./quorum.ts";
import { parseTrust, type Trust } from "./trust.ts";
import { unpack } from "./unpack.ts";

/** The steps, in the order in which they are listed. */
export type StepName =
  | "proof"
  | "trust"
  | "leaf"
  | "session-path"
  | "anchor"
  | "anchor-signature"
  | "anchor-path"
  | "dated"
  | "certificate"
  | "handover"
  | "grid"
  | "chunk"
  | "segments"
  | "key"
  | "decrypt"
  | "decode";

/** One thing that was checked. */
export interface Step {
  readonly name: StepName;
  readonly holds: boolean;
  /** What holds, or why it does not. */
  readonly sentence: string;
}

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

/** What a proof is verified with. */
export interface VerifyInput {
  /** The proof file. */
  readonly proof: string | Uint8Array;
  /** The trust file; without one the best answer is UNPINNED. */
  readonly trust?: string | Uint8Array | undefined;
  /** The sealed chunk. */
  readonly chunk?: Uint8Array | undefined;
  /** The chunk's key, 32 bytes; means nothing without the chunk. */
  readonly key?: Uint8Array | undefined;
  /** Now: a trust file may have a last day. */
  readonly nowMs: number;
}

/**
 * Verify a proof.
 *
 * @returns A report, whatever the files hold: wrong bytes are answers, not errors.
 */
export function verifyProof(input: VerifyInput): Report {
  const steps = new Steps();
  try {
    return conclude(input, steps, followSteps(input, steps));
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return {
      answer: `INVALID(${error.step})`,
      exitCode: 1,
      steps: steps.taken,
      findings: undefined,
      caveats: [],
      plain: undefined,
    };
  }
}

class StepFailed extends Error {
  constructor(readonly step: StepName) {
    super(step);
  }
}

class Steps {
  readonly taken: Step[] = [];

  /** Take one step: `check` returns what it found and the sentence that says so, or throws why it does not hold. */
  take<T>(name: StepName, check: () => [T, string]): T {
    try {
      const [found, sentence] = check();
      this.taken.push({ name, holds: true, sentence });
      return found;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.taken.push({ name, holds: false, sentence: error.message });
      throw new StepFailed(name);
    }
  }
}

interface Followed {
  readonly proof: Proof;
  readonly trust: Trust | undefined;
  readonly leaf: Leaf;
  readonly anchor: Anchor;
  readonly anchored: FinalAnchor | InterimRow;
  readonly dating: Header;
  readonly datingId: Bytes;
  readonly smallestSet: number;
  readonly recoveredHeight: number | undefined;
  readonly plain: Bytes | undefined;
}

function followSteps(input: VerifyInput, steps: Steps): Followed {
  const proof = steps.take("proof", () => {
    const read = parseProof(asciiText(input.proof, "a proof"));
    return [
      read,
      `Proof of one leaf of session ${read.sessionId}, on chain ${
        short(read.chainId)
      }`,
    ];
  });
  const trust = input.trust === undefined
    ? undefined
    : steps.take("trust", () =>
      checkTrusted(
        asciiText(input.trust!, "a trust file"),
        proof,
        input.nowMs,
      ));
  const recoveredHeight = trust?.predecessor === undefined
    ? undefined
    : trust.genesis.predecessor!.certificate.height;

  const leaf = steps.take("leaf", () => {
    const read = decodeLeaf(proof.leaf);
    return [
      read,
      `Leaf ${read.index} is a ${read.kind} of ${read.endMs - read.startMs} ms`,
    ];
  });
  const { entry, anchor, anchored } = steps.take(
    "anchor",
    () => checkAnchor(proof, leaf),
  );
  steps.take("session-path", () => {
    const { leafCount: count, root } = anchored;
    const inTree = provesInclusion({
      hash: leafHash(proof.leaf),
      index: leaf.index,
      count,
      path: proof.leafPath,
      root,
    });
    require(inTree, "Cannot find the leaf under the anchored root");
    return [
      undefined,
      `It is leaf ${leaf.index} of the ${count} under the anchored root`,
    ];
  });
  steps.take("anchor-signature", () => {
    require(
      isSigned(entry),
      "Cannot accept the anchor: its signature is not valid",
    );
    return [undefined, `Signed by the recorder ${short(anchor.recorderKey)}`];
  });

  const last = proof.certified.at(-1)!;
  const dating = proof.anchoredIn?.header ?? last.header;
  steps.take("anchor-path", () => {
    const inLog = provesInclusion({
      hash: leafHash(proof.anchor),
      index: proof.anchorIndex,
      count: dating.preSize,
      path: proof.anchorPath,
      root: dating.preRoot,
    });
    require(inLog, "Cannot find the anchor in the log");
    return [undefined, `The anchor is entry ${proof.anchorIndex} of the log`];
  });
  steps.take("dated", () => checkDated({ proof, anchor, dating, trust }));
  const smallestSet = steps.take(
    "certificate",
    () => checkCertificates(proof, trust),
  );
  steps.take("handover", () => checkHandovers(proof.certified));
  if (trust !== undefined) {
    steps.take("grid", () => {
      const headers = [
        ...proof.certified.map(({ header }) => header),
        ...(proof.anchoredIn ? [dating] : []),
      ];
      for (const header of headers) checkGrid(header, trust.genesis.params);
      return [
        undefined,
        "Times, slots and epochs lie on the grid of the genesis",
      ];
    });
  }
  return {
    proof,
    trust,
    leaf,
    anchor,
    anchored,
    dating,
    datingId: proof.anchoredIn === undefined
      ? last.blockId
      : leafHash(proof.anchoredIn.bytes),
    smallestSet,
    recoveredHeight,
    plain: input.chunk === undefined
      ? undefined
      : openStepwise(input, steps, { proof, leaf, anchor }),
  };
}

function checkTrusted(
  text: string,
  proof: Proof,
  nowMs: number,
): [Trust, string] {
  const trust = parseTrust(text);
  const { height, validUntilMs, checkpoint, predecessor } = trust;
  require(
    validUntilMs === undefined || nowMs <= validUntilMs,
    "Cannot use the trust file: its last day has passed",
  );
  require(
    sameBytes(trust.chainId, proof.chainId),
    `Cannot trust the proof: it is of chain ${
      short(proof.chainId)
    }, the trust file of ${short(trust.chainId)}`,
  );
  const last = proof.certified.at(-1)!;
  require(
    last.header.height >= height,
    `Cannot trust the proof: its certified block ${last.header.height} is below the trusted ${height}`,
  );
  const trustedSet = validatorsHash(trust.validators);
  if (last.header.height === height) {
    require(
      sameBytes(last.blockId, trust.blockId),
      `Cannot trust the proof: its block ${height} is another`,
    );
    require(
      sameBytes(last.header.nextValidatorsHash, trustedSet),
      "Cannot trust the proof: its set is another",
    );
  } else {
    const first = proof.certified.find(({ header }) => header.height > height)!;
    require(
      sameBytes(first.header.validatorsHash, trustedSet),
      "Cannot trust the proof: the set that decided its first block is not the trusted one",
    );
    if (checkpoint !== undefined) checkExtends(proof, last.header, checkpoint);
  }
  if (predecessor !== undefined) checkPredecessor(trust, predecessor);
  return [
    trust,
    `Trusted: ${trust.genesis.params.network}, chain ${
      short(trust.chainId)
    }, from height ${height}`,
  ];
}

/** Who holds a key of today could otherwise write another past below the pinned height. */
function checkExtends(
  proof: Proof,
  header: Header,
  { size, root }: { readonly size: number; readonly root: Bytes },
) {
  require(
    proof.extends?.size === size,
    `Cannot trust the proof: it does not show that it extends the ${size} entries`,
  );
  const extended = provesConsistency({
    oldCount: size,
    oldRoot: root,
    newCount: header.preSize,
    newRoot: header.preRoot,
    path: proof.extends.path,
  });
  require(
    extended,
    "Cannot trust the proof: its log does not begin with the trusted one",
  );
}

function checkPredecessor({ genesis }: Trust, before: Trust): void {
  const { certificate } = genesis.predecessor!;
  checkCertificate(certificate, {
    chainId: before.chainId,
    validators: before.validators,
    height: certificate.height,
    blockId: certificate.blockId,
    originRound: 0,
  });
}

function checkAnchor(proof: Proof, leaf: Leaf): [
  { entry: Entry; anchor: Anchor; anchored: FinalAnchor | InterimRow },
  string,
] {
  const entry = decodeEntry(proof.anchor);
  const anchor = readAnchor(entry);
  require(
    sameBytes(anchor.chainId, proof.chainId),
    "Cannot use the anchor: it is meant for another chain",
  );
  if (anchor.kind === "interim") {
    const row = anchor.rows.find(({ sessionId }) =>
      sessionId === proof.sessionId
    );
    require(
      row !== undefined,
      "Cannot use the anchor: it has no row for this session",
    );
    return [
      { entry, anchor, anchored: row },
      `Anchored while it ran, with ${row.leafCount} leaves so far`,
    ];
  }
  require(
    anchor.sessionId === proof.sessionId,
    "Cannot use the anchor: it is of another session",
  );
  require(
    anchor.startedAtMs <= leaf.startMs && leaf.endMs <= anchor.endedAtMs,
    "Cannot use the anchor: the leaf lies outside of its session's times",
  );
  const fits = leaf.kind === "gap"
    ? anchor.gapCount > 0
    : anchor.leafCount > anchor.gapCount &&
      leaf.sealedBytes <= anchor.sealedBytes;
  require(fits, "Cannot use the anchor: its counts leave no room for the leaf");
  return [
    { entry, anchor, anchored: anchor },
    `The final anchor of a session of ${anchor.leafCount} leaves`,
  ];
}

function checkDated(
  { proof, anchor, dating, trust }: {
    readonly proof: Proof;
    readonly anchor: Anchor;
    readonly dating: Header;
    readonly trust: Trust | undefined;
  },
): [undefined, string] {
  const { height, preSize, timeMs } = dating;
  const what = `Cannot date the anchor by block ${height}`;
  require(
    userEntriesStart(dating) <= proof.anchorIndex &&
      proof.anchorIndex < preSize,
    `${what}: entry ${proof.anchorIndex} is not in it`,
  );
  require(height <= anchor.expiryHeight, `${what}: the anchor had expired`);
  const expiryBlocks = trust?.genesis.params.limits.expiryBlocks;
  require(
    expiryBlocks === undefined || anchor.expiryHeight <= height + expiryBlocks,
    `${what}: the anchor expires too late`,
  );
  require(
    anchor.kind === "interim" || anchor.endedAtMs <= timeMs + CLOCK_SKEW_MS_MAX,
    `${what}: the session ends after it`,
  );
  const last = proof.certified.at(-1)!.header;
  if (proof.anchoredIn !== undefined) {
    checkOrder(dating, last);
    const inLog = provesInclusion({
      hash: leafHash(proof.anchoredIn.bytes),
      index: preSize,
      count: last.preSize,
      path: proof.anchoredIn.path,
      root: last.preRoot,
    });
    require(inLog, `${what}: its header is not in the certified log`);
  }
  for (
    const header of [
      dating,
      ...proof.certified.map((each) => each.header),
    ]
  ) {
    require(
      sameBytes(header.chainId, proof.chainId),
      `${what}: header ${header.height} is of another chain`,
    );
  }
  return [undefined, `In block ${height}`];
}

/** The size of the smallest set that was relied on. */
function checkCertificates(
  { certified, chainId }: Proof,
  trust: Trust | undefined,
): [number, string] {
  for (const { header, blockId, certificate, validators } of certified) {
    const { height, originRound } = header;
    require(
      sameBytes(validatorsHash(validators), header.validatorsHash),
      `Cannot accept the certificate of block ${height}: these validators are not the set its header names`,
    );
    checkCertificate(certificate, {
      chainId,
      validators,
      height,
      blockId,
      originRound,
    });
  }
  const last = certified.at(-1)!;
  const relied = certified.filter((each) =>
    each === last || each.header.height > (trust?.height ?? 0)
  );
  const count = last.certificate.signatures.length;
  return [
    Math.min(...relied.map(({ validators }) => validators.length)),
    `Block ${last.header.height} was decided by ${count} of ${last.validators.length}`,
  ];
}

function checkHandovers(
  certified: readonly CertifiedHeader[],
): [undefined, string] {
  for (const [at, { header: later }] of certified.slice(1).entries()) {
    const { header: earlier } = certified[at]!;
    const what = `Cannot accept the handover at block ${earlier.height}`;
    checkOrder(earlier, later);
    require(
      !sameBytes(earlier.nextValidatorsHash, earlier.validatorsHash),
      `${what}: the set stays the same`,
    );
    require(
      sameBytes(earlier.nextValidatorsHash, later.validatorsHash),
      `${what}: it names another set`,
    );
  }
  const count = certified.length - 1;
  return [
    undefined,
    count === 0
      ? "No handover on the way"
      : `${count} handovers, each to the next set`,
  ];
}

function openStepwise(
  { chunk, key }: VerifyInput,
  steps: Steps,
  { proof, leaf, anchor }: {
    readonly proof: Proof;
    readonly leaf: Leaf;
    readonly anchor: Anchor;
  },
): Bytes | undefined {
  const sealed = chunk!;
  const chunkLeaf = steps.take("chunk", (): [ChunkLeaf, string] => {
    require(
      leaf.kind === "chunk",
      "Cannot check a chunk: the leaf is a gap, where nothing was recorded",
    );
    checkSealed({ leaf, sealed });
    return [
      leaf,
      `These ${sealed.length} sealed bytes are the ones that were anchored`,
    ];
  });
  steps.take("segments", () => {
    checkSegments({ leaf: chunkLeaf, sealed });
    return [undefined, "So is each 16 KiB segment of them"];
  });
  if (key === undefined) return undefined;
  const whole = {
    leaf: chunkLeaf,
    sealed,
    chunkKey: key,
    recorderKey: anchor.recorderKey,
    sessionId: proof.sessionId,
  };
  steps.take("key", () => {
    checkKey(whole);
    return [undefined, "This is the key the recorder committed to"];
  });
  const packed = steps.take(
    "decrypt",
    () => [decrypt(whole), "It opens the chunk, in this session and position"],
  );
  return steps.take("decode", () => {
    const plain = unpack(packed, chunkLeaf);
    return [plain, `Unpacked to exactly ${plain.length} bytes`];
  });
}

function conclude(input: VerifyInput, steps: Steps, found: Followed): Report {
  const { proof, trust, anchor, dating, smallestSet } = found;
  const { header, blockId } = proof.certified.at(-1)!;
  const witnesses = 0;
  const who = smallestSet === 1
    ? "single-operator"
    : `${smallestSet}, ${witnesses}`;
  const [answer, exitCode] = trust === undefined
    ? ["UNPINNED", 2 as const]
    : anchor.kind === "interim"
    ? [`INTERIM(${who})`, 4 as const]
    : [`VALID(${who})`, 0 as const];
  return {
    answer,
    exitCode,
    steps: steps.taken,
    findings: {
      network: trust?.genesis.params.network,
      chainId: proof.chainId,
      sessionId: proof.sessionId,
      leaf: found.leaf,
      anchorIndex: proof.anchorIndex,
      dated: {
        height: dating.height,
        blockId: found.datingId,
        timeMs: dating.timeMs,
      },
      certified: { height: header.height, blockId, timeMs: header.timeMs },
      smallestSet,
      witnesses,
      trust: trust &&
        { height: trust.height, timeMs: trustedTime(trust, header) },
      recoveredHeight: found.recoveredHeight,
      recorderSays: { recorderKey: anchor.recorderKey, anchor: found.anchored },
    },
    caveats: caveats(input, found),
    plain: found.plain,
  };
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
  { chunk, key }: VerifyInput,
  { trust, anchor, smallestSet, leaf }: Followed,
): string[] {
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
  if (chunk === undefined) {
    said.push(
      `Only the leaf was checked${
        leaf.kind === "chunk" ? ", no chunk was given" : ""
      }.`,
    );
  } else if (key === undefined) {
    said.push("Ciphertext only: says nothing about who made it.");
  }
  return said;
}

/** A file as text; what is not ASCII in it is refused by the parser. */
function asciiText(file: string | Uint8Array, what: string): string {
  if (typeof file === "string") return file;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      file,
    );
  } catch {
    throw new FormatError(`Cannot read ${what}: it is not text`);
  }
}

function short(bytes: Uint8Array): string {
  return bytes.toHex().slice(0, 16);
}
