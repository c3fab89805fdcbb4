/**
 * Lists, page by page: a cursor says where the next page begins.
 *
 * @module
 */
import type { Page } from "@lucid/runtime";
import { z } from "zod";
import { decimal } from "./check.ts";

/** Items in one page. */
const LIMIT_MAX = 100;
const LIMIT_DEFAULT = 20;

/** Query fields of every list. */
export const PAGING = {
  limit: decimal(z.int().min(1).max(LIMIT_MAX)).default(LIMIT_DEFAULT).meta({
    description: "Items in this page",
  }),
  cursor: z.string().min(1).max(1_024).exactOptional().meta({
    description: "`next_cursor` of the page before",
  }),
};

/** The shape of one page. */
export function pageOf(item: z.ZodType) {
  return z.strictObject({
    items: z.array(item),
    next_cursor: z.string().exactOptional().meta({
      description: "Absent on the last page",
    }),
  });
}

/** The query's paging, as stores take it. */
export function pagingOf(
  { limit, cursor }: {
    readonly limit: number;
    readonly cursor?: string | undefined;
  },
): { readonly limit: number; readonly after?: string } {
  return cursor === undefined ? { limit } : { limit, after: cursor };
}

/** One page as callers see it. */
export function showPage<T>({ items, next }: Page<T>) {
  return next === undefined ? { items } : { items, next_cursor: next };
}
