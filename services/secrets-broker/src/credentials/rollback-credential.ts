import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { type CredentialChange, changeCredential } from './change-credential.ts'
import { openVersion } from './credential-secret.ts'
import type { CredentialRecord } from './store.ts'
import { type CurrentCredential, selectFormerVersion } from './version-store.ts'

/**
 * Makes a new version with the secret, `extra`, certificate and dates of a former one; what it was until now is kept as
 * a former version in turn. Throws `validation_failed` naming `version` where it is not kept, or the present one.
 */
export const rollbackCredential = (
  deps: Deps,
  actor: ProjectActor,
  id: string,
  version: number,
  ifMatch: string | undefined,
): Promise<CredentialRecord> =>
  changeCredential(deps, actor, {
    id,
    ifMatch,
    reason: `rollback to version ${version}`,
    plan: (current, executor) => planRollback(deps, current, version, executor),
  })

async function planRollback(
  { cipher }: Deps,
  current: CurrentCredential,
  version: number,
  executor: pg.Pool | pg.PoolClient,
): Promise<CredentialChange> {
  if (version === current.version) throw wrongVersion('is the present version')
  const former = await selectFormerVersion(executor, current.id, version)
  if (former === undefined) throw wrongVersion('is not among the versions that are kept')
  const { secret, ...fields } = former
  return { fields, secret: await openVersion(cipher, current, version, secret) }
}

const wrongVersion = (message: string) =>
  new AppError('validation_failed', `body.version ${message}`, {
    errors: [{ path: 'body.version', message }],
  })
