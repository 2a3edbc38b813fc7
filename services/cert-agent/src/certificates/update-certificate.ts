import { type Caller, callerLabel } from '@opsconductor/auth'
import type { Challenge, UpdateCertificate } from '@opsconductor/contracts'
import { AppError, invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import { serversOfWish } from '../client-limits/servers-of-wish.ts'
import type { Deps } from '../deps.ts'
import { planRenewal } from '../renewal/plan-renewal.ts'
import { assertCoversOwnVhosts } from './assert-covers-own-vhosts.ts'
import { checkWish } from './check-wish.ts'
import { findCertificate, findWholeCertificate } from './find-certificate.ts'
import type { WholeCertificate } from './store.ts'

/**
 * New names or another key are taken with the next renewal. One that was imported is issued from then on once it is given
 * an account: where `rotate_key` is false with the key that it has.
 */
export async function updateCertificate(
  deps: Deps,
  caller: Caller,
  id: string,
  request: z.infer<typeof UpdateCertificate>,
  signal: AbortSignal,
): Promise<WholeCertificate> {
  const before = await findCertificate(deps, caller, id)
  const { name, ...wish } = request
  const isTakenOver = before.source === 'import' && request.acme_account_id !== undefined
  if (before.source === 'import' && !isTakenOver) refuseWish(wish)
  const { key_type: keyType = before.keyType, rotate_key: rotateKey = before.rotateKey } = request
  if (keyType === 'other' && rotateKey && (isTakenOver || before.source === 'acme'))
    throw invalidField('body.key_type', 'is needed: its key is of a type that is not made here')
  const names = request.names ?? before.names
  const challenges = request.challenges ?? (before.challenges as Challenge[])
  await checkWish(deps, before.projectId, {
    ...{ challenges, keyMadeOn: request.key_made_on, acmeAccountId: request.acme_account_id },
    ...(request.names === undefined && request.challenges === undefined && !isTakenOver ? {} : { names }),
  })
  const keyMadeOn = request.key_made_on === undefined ? before.keyMadeOn : request.key_made_on
  await assertMayManage(deps, caller, [
    ...(await deps.deployments.serversNaming(id)),
    ...serversOfWish(challenges, keyMadeOn),
  ])
  if (request.names !== undefined) await assertCoversOwnVhosts(deps, id, names, 'body.names')
  await deps.certificates.update(id, {
    ...(isTakenOver ? { source: 'acme' } : {}),
    ...(name === undefined ? {} : { name }),
    ...(request.names === undefined ? {} : { names }),
    ...(request.challenges === undefined ? {} : { challenges: request.challenges }),
    ...(request.key_type === undefined ? {} : { keyType }),
    ...(request.key_made_on === undefined ? {} : { keyMadeOn: request.key_made_on }),
    ...(request.profile === undefined ? {} : { profile: request.profile }),
    ...(request.acme_account_id === undefined ? {} : { acmeAccountId: request.acme_account_id }),
    ...(request.auto_renew === undefined ? {} : { autoRenew: request.auto_renew }),
    ...(request.rotate_key === undefined ? {} : { rotateKey }),
  })
  if (request.auto_renew !== undefined) await planRenewal(deps, id, signal)
  await deps.audit.record({
    ...{ projectId: before.projectId, actor: callerLabel(caller), certificateId: id },
    ...{ action: 'certificate.update', outcome: 'succeeded', detail: { fields: Object.keys(request) } },
  })
  return findWholeCertificate(deps, caller, id)
}

function refuseWish(wish: object): void {
  const errors = Object.keys(wish).map((field) => ({
    path: `body.${field}`,
    message: 'is not for a certificate that was imported',
  }))
  if (errors.length === 0) return
  const detail = 'Of a certificate that was imported only the name is changed, until it is given an account.'
  throw new AppError('validation_failed', detail, { errors })
}
