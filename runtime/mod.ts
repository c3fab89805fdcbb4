/**
 * Actors over a message bus: protocols, behaviors and the host that runs them.
 *
 * @module
 */
export * from "./actor.ts";
export * from "./address.ts";
export * from "./bus.ts";
export * from "./claims.ts";
export * from "./config.ts";
export * from "./errors.ts";
export { openHost } from "./host.ts";
export * from "./hosting.ts";
export * from "./log.ts";
export type { Outcome } from "./message.ts";
export * from "./ports.ts";
export * from "./protocol.ts";
export * from "./schema.ts";
export * from "./store.ts";
export { traceLine } from "./trace.ts";
