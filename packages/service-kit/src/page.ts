import { AppError } from '@opsconductor/errors'

/** One page of a list from rows fetched with `limit + 1`; the cursor is the id of the last row shown. */
export function toPage<Row extends { id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  toWire: (row: Row) => Item,
): { items: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  return { items: shown.map(toWire), next_cursor: rows.length > limit ? (shown.at(-1)?.id ?? null) : null }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Prisma's arguments for the page after `cursor`, newest first. */
export function pageArguments({ limit, cursor }: { limit: number; cursor?: string | undefined }) {
  if (cursor !== undefined && !uuid.test(cursor))
    throw new AppError('invalid_request', 'The cursor is not one of ours.', {
      errors: [{ path: 'query.cursor', message: 'is not a cursor' }],
    })
  return {
    take: limit + 1,
    ...(cursor === undefined ? {} : { cursor: { id: cursor }, skip: 1 }),
    orderBy: [{ createdAt: 'desc' as const }, { id: 'desc' as const }],
  }
}
