/**
 * A story about one actor: given these events, when this command, then this outcome.
 *
 * @module
 */
import type {
  Behavior,
  CommandName,
  EventOf,
  Input,
  Protocol,
  State,
} from "@lucid/runtime";

/** Time, ids and place of every story. */
export const CONTEXT = {
  id: "01JD0000000000000000000000",
  node: "NODE",
  now: 1_000_000,
  newId: () => "01JD00000000000000000000ID",
};

/** State after these events. */
export function stateAfter<P extends Protocol>(
  behavior: Behavior<P>,
  events: readonly EventOf<P>[],
): State<P> {
  const apply = behavior.apply as Readonly<
    Record<string, (state: State<P>, data: unknown) => State<P>>
  >;
  return events.reduce(
    (state, { type, data }) => apply[type]!(state, data),
    behavior.initial(CONTEXT.id),
  );
}

/** What the actor answers to `command` when these events have happened. */
export function outcome<P extends Protocol, K extends CommandName<P>>(
  behavior: Behavior<P>,
  given: readonly EventOf<P>[],
  command: K,
  input: Input<P, K>,
): ReturnType<Behavior<P>["decide"][K]> {
  return behavior.decide[command](
    stateAfter(behavior, given),
    input,
    CONTEXT,
  ) as ReturnType<Behavior<P>["decide"][K]>;
}
