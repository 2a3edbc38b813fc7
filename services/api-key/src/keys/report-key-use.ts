import type { Deps } from '../deps.ts'

/** What another service reports of the keys it let in; answers how many rows moved forward. */
export async function reportKeyUse(
  { keys, now }: Pick<Deps, 'keys' | 'now'>,
  items: readonly { key_id: string; used_at: string }[],
): Promise<number> {
  // A clock that runs ahead elsewhere must not keep a key looking used in the future; nor is any use before 1970.
  const latest = now()
  const within = (at: number) => Math.max(0, Math.min(at, latest))
  return keys.recordUse(
    items.map((item) => ({ keyId: item.key_id, usedAt: within(Date.parse(item.used_at)) })),
  )
}
