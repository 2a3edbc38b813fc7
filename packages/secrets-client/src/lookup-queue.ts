import {
  type HostCredentialLookupResult,
  hostCredentialLookupsMax,
  lookupHostCredentialsEndpoint,
} from '@opsconductor/contracts'
import type { InternalClient } from '@opsconductor/service-kit'

interface Key {
  host: string
  purpose: string
  label: string
}

interface Waiting {
  key: Key
  resolve(result: HostCredentialLookupResult): void
  reject(error: unknown): void
}

/** Collects the lookups of one turn of the event loop and asks the broker for them together, by project. */
export function createLookupQueue(internal: Pick<InternalClient, 'call'>) {
  const waiting = new Map<string | null, Waiting[]>()

  function flush(projectId: string | null): void {
    const all = waiting.get(projectId) ?? []
    waiting.delete(projectId)
    while (all.length > 0) void askTogether(projectId, all.splice(0, hostCredentialLookupsMax))
  }

  async function askTogether(projectId: string | null, batch: readonly Waiting[]): Promise<void> {
    try {
      const lookups = batch.map(({ key }) => key)
      const { results } = await internal.call(lookupHostCredentialsEndpoint, {
        lookups,
        project_id: projectId,
      })
      if (results.length !== batch.length) throw new Error('the broker answered another number of lookups')
      for (const [i, { resolve }] of batch.entries()) resolve(results[i] as HostCredentialLookupResult)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (key: Key, projectId: string | null): Promise<HostCredentialLookupResult> =>
    new Promise((resolve, reject) => {
      const queue = waiting.get(projectId)
      if (queue !== undefined) queue.push({ key, resolve, reject })
      else {
        waiting.set(projectId, [{ key, resolve, reject }])
        setImmediate(flush, projectId)
      }
    })
}
