import type pg from 'pg'
import type { Scope } from './scope.ts'
import { type HostCredential, type HostCredentialKey, selectHostCredentials, type Wanted } from './store.ts'

export type FindHostCredential = (key: HostCredentialKey, scope: Scope) => Promise<HostCredential | undefined>

interface Waiting extends Wanted {
  resolve(found: HostCredential | undefined): void
  reject(error: unknown): void
}

const togetherMax = 500

/**
 * What is looked for at the same time is looked for in one statement, since many at once cost hardly more than one: what
 * comes while a statement is under way shares the next one.
 */
export function findTogether(pool: pg.Pool): FindHostCredential {
  const waiting: Waiting[] = []
  let finding = false

  async function findWaiting(): Promise<void> {
    if (finding) return
    finding = true
    while (waiting.length > 0) await settle(waiting.splice(0, togetherMax))
    finding = false
  }

  async function settle(batch: readonly Waiting[]): Promise<void> {
    try {
      const found = await selectHostCredentials(pool, batch)
      for (const [i, { resolve }] of batch.entries()) resolve(found[i])
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (key, scope) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, scope, resolve, reject })
      // Not before this turn of the event loop is over: a batch asks for all of its own in one turn.
      if (waiting.length === 1) setImmediate(findWaiting)
    })
}
