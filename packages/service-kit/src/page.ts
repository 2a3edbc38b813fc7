/** One page of a list from rows fetched with `limit + 1`; the cursor is the id of the last row shown. */
export function toPage<Row extends { id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  toWire: (row: Row) => Item,
): { items: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  return { items: shown.map(toWire), next_cursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null }
}

/** Prisma's arguments for the page after `cursor`, newest first. */
export function pageArguments({ limit, cursor }: { limit: number; cursor?: string | undefined }) {
  return {
    take: limit + 1,
    ...(cursor === undefined ? {} : { cursor: { id: cursor }, skip: 1 }),
    orderBy: [{ createdAt: 'desc' as const }, { id: 'desc' as const }],
  }
}
