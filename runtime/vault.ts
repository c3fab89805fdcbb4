/**
 * The document of one actor, as this host knows it: loaded under a fence, written whole, and the
 * rows it carries brought to their tables. What the store answers, or does not, comes back as a word.
 *
 * @module
 */
import { type Address, formatAddress, placeOf } from "./address.ts";
import { freshRuntime, type Runtime } from "./document.ts";
import type { Fields } from "./log.ts";
import { parse } from "./schema.ts";
import type { DocumentKey, Fence, Stored } from "./store.ts";
import type { AnyBehavior } from "./turn.ts";
import type { World } from "./world.ts";

/** Of a document that was never loaded: any other outranks it. */
const NO_FENCE: Fence = { epoch: 0, incarnation: "", activation: 0 };

/** What a load came to. */
export type LoadResult =
  /** State and runtime are what the store holds. */
  | "loaded"
  /** A later load of our own was there before: load again. */
  | "overtaken"
  /** Somebody has a higher epoch. */
  | "moved"
  /** The document does not fit its schema. */
  | "unreadable"
  /** The store did not answer. */
  | "unanswered";

/** The document of one actor. */
export class Vault {
  readonly #parsed: Address;
  readonly #behavior: AnyBehavior;
  readonly #world: World;
  #state: unknown;
  #runtime: Runtime;
  #copied = 0;

  /** A document that is still to be loaded. */
  constructor(parsed: Address, behavior: AnyBehavior, world: World) {
    this.#parsed = parsed;
    this.#behavior = behavior;
    this.#world = world;
    const place = placeOf(parsed);
    this.#runtime = freshRuntime({ fence: NO_FENCE, place });
  }

  // Made anew where they are asked for: a million idle actors would each keep them.

  get #address(): string {
    return formatAddress(this.#parsed);
  }

  get #key(): DocumentKey {
    const { node, id } = this.#parsed;
    const { collection } = this.#behavior.protocol;
    return { collection, id: node === "" ? id : `${node}/${id}` };
  }

  /** The actor's own fields. */
  get state(): unknown {
    return this.#state;
  }

  /** `_rt`. Until a new load is answered it is what was known before. */
  get runtime(): Runtime {
    return this.#runtime;
  }

  /** How many of the rows it carries, from the first, are in their tables. */
  get copied(): number {
    return this.#copied;
  }

  /** Read what the store holds, and fence out every earlier load. */
  async load(): Promise<LoadResult> {
    const { store, counts, log } = this.#world;
    const fence = this.#world.fence(this.#runtime.place);
    counts.loads++;
    let loaded;
    try {
      loaded = await store.load(this.#key, fence);
    } catch (error) {
      this.#warn("actor not loaded", { error });
      return "unanswered";
    }
    if (loaded.found === "fenced") {
      if (loaded.fence.epoch === fence.epoch) return "overtaken";
      this.#warn("actor owned elsewhere", { held: loaded.fence, mine: fence });
      return "moved";
    }
    try {
      if (loaded.found === "document") this.#open(loaded.document);
      else this.#begin(fence);
    } catch (error) {
      const address = this.#address;
      log.error("stored actor unreadable", { address, error });
      return "unreadable";
    }
    return "loaded";
  }

  /** Write state and runtime as one document; they are what is known once it is committed. */
  async commit(
    state: unknown,
    runtime: Runtime,
  ): Promise<"committed" | "refused" | "unanswered"> {
    const { store, counts } = this.#world;
    const { fence, version } = this.#runtime;
    const copied = this.#copied;
    const document = { ...state as Record<string, unknown>, _rt: runtime };
    try {
      const write = { ...this.#key, fence, version, document };
      if (await store.commit(write) === "refused") return "refused";
    } catch (error) {
      this.#warn("commit unanswered", { error });
      return "unanswered";
    }
    counts.commits++;
    this.#state = state;
    this.#runtime = runtime;
    this.#copied -= copied;
    this.#world.point("actor-commit");
    return "committed";
  }

  /** Bring the rows that the document carries to their tables; they stay in it until a later commit. False: not yet. */
  async copyRows(): Promise<boolean> {
    const { spill } = this.#runtime;
    try {
      await this.#world.store.insertRows(spill.slice(this.#copied));
    } catch (error) {
      this.#warn("rows not copied", { error });
      return false;
    }
    this.#copied = spill.length;
    this.#world.point("actor-rows");
    return true;
  }

  /** Take in what was read back from the rows, for the turn that asked for it. */
  recall(seen: Runtime["seen"]): void {
    this.#runtime = { ...this.#runtime, seen };
  }

  #open({ _rt, ...fields }: Stored): void {
    const { state } = this.#behavior.protocol;
    this.#state = parse(state, fields, `stored ${this.#address}`);
    this.#runtime = _rt as Runtime;
    this.#copied = 0;
  }

  #begin(fence: Fence): void {
    this.#state = this.#behavior.initial(this.#parsed.id);
    this.#runtime = freshRuntime({ fence, place: this.#runtime.place });
    this.#copied = 0;
  }

  #warn(phrase: string, fields: Fields): void {
    this.#world.log.warn(phrase, { address: this.#address, ...fields });
  }
}
