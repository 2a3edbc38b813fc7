import { type Access, credentialPurpose } from '../access-log/access.ts'
import { type AuditDeps, changeAllWithAccess } from '../access-log/record-access.ts'
import { announceCredential } from './announce-credential.ts'
import { deleteLongDeleted } from './version-store.ts'

const dayMs = 86_400_000
/** So many in one transaction. */
const batchMax = 100

interface PurgeDeps extends AuditDeps {
  credentialPurgeDays: number
  now(): Date
}

/**
 * Takes out for good, with their versions, the credentials that were deleted longer ago than they are kept; each has its
 * row in the access log, in the same transaction. Answers how many. Several processes at once share the work.
 */
export async function purgeCredentials(deps: PurgeDeps): Promise<number> {
  const before = new Date(deps.now().getTime() - deps.credentialPurgeDays * dayMs)
  let purged = 0
  for (;;) {
    const batch = await purgeBatch(deps, before)
    purged += batch
    if (batch < batchMax) return purged
  }
}

const purgeBatch = (deps: PurgeDeps, before: Date): Promise<number> =>
  changeAllWithAccess(deps, async (client) => {
    const credentials = await deleteLongDeleted(client, before, batchMax)
    for (const { id } of credentials) await announceCredential(client, id)
    const accesses = credentials.map(
      ({ id, projectId, name }): Access => ({
        host: name,
        purpose: credentialPurpose,
        type: 'delete',
        by: 'secrets-broker',
        from: '',
        projectId,
        credentialUuid: id,
        reason: 'purge',
      }),
    )
    return { result: credentials.length, accesses }
  })
