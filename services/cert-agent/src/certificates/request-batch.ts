import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import type { CertificateBatch, Challenge } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import { assertMayManage, assertMaySeeCertificate } from '../client-limits/assert-may-manage.ts'
import { findLimit } from '../client-limits/find-limit.ts'
import { serversOfWish } from '../client-limits/servers-of-wish.ts'
import type { Deps } from '../deps.ts'
import type { Asked } from '../operations/start-once.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { StoredOperation } from '../operations/store.ts'
import { checkWish, refuse } from './check-wish.ts'
import type { StoredCertificate } from './store.ts'

/** An operation of operations: one for each certificate, of which so many are under way at once. */
export async function requestBatch(
  deps: Deps,
  caller: Caller,
  request: z.infer<typeof CertificateBatch>,
  as: Asked = {},
): Promise<StoredOperation> {
  const projectId = projectOf(caller)
  const { action, concurrency, server_ids: serverIds } = request
  if (action === 'renew' && serverIds !== undefined)
    throw invalidField(
      'body.server_ids',
      'is for deploying: a renewed certificate goes wherever it is served',
    )
  const found = await deps.certificates.findAll(projectId, request.certificate_ids)
  const known = new Map(found.map((certificate) => [certificate.id, certificate]))
  refuse(
    request.certificate_ids.flatMap((id, index) => {
      const path = `body.certificate_ids[${index}]`
      const certificate = known.get(id)
      if (certificate === undefined) return [{ path, message: "is not one of the project's certificates" }]
      if (action === 'renew' && certificate.source === 'import')
        return [{ path, message: 'was imported, so it is not renewed here' }]
      return []
    }),
  )
  await assertMayManage(deps, caller, serverIds ?? [])
  await assertMaySeeAll(deps, caller, found)
  if (serverIds === undefined)
    await assertMayManage(deps, caller, await deps.deployments.serversNaming(...known.keys()))
  if (action === 'renew') await assertMayManage(deps, caller, found.flatMap(serversOfWished))
  await checkWish(deps, projectId, { serverIds })
  return startOperation(deps, {
    ...{ projectId, kind: 'batch', actor: callerLabel(caller), ...as },
    request: {
      ...{ action, concurrency, certificate_ids: [...known.keys()] },
      ...(serverIds === undefined ? {} : { server_ids: serverIds }),
    },
  })
}

async function assertMaySeeAll(
  deps: Deps,
  caller: Caller,
  found: readonly StoredCertificate[],
): Promise<void> {
  const limit = await findLimit(deps, caller)
  if (limit === undefined) return
  const ids = found.map(({ id }) => id)
  const seen = new Set((await deps.certificates.findAll(projectOf(caller), ids, limit)).map(({ id }) => id))
  const beyond = ids.find((id) => !seen.has(id))
  if (beyond !== undefined) await assertMaySeeCertificate(deps, caller, beyond)
}

const serversOfWished = ({ challenges, keyMadeOn }: StoredCertificate): string[] =>
  serversOfWish(challenges as Challenge[], keyMadeOn)
