/**
 * Work that must not overlap: one piece at a time for each key, in the order in which it came.
 *
 * @module
 */

/** Do `work` when all that came before it under the same key has ended, however that went. */
export type InTurn = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** An order of work; it holds only keys under which something waits or runs. */
export function openTurns(): InTurn {
  const last = new Map<string, Promise<void>>();
  return (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work);
    const settled: Promise<void> = turn.then(() => {}, () => {}).then(() => {
      if (last.get(key) === settled) last.delete(key);
    });
    last.set(key, settled);
    return turn;
  };
}
