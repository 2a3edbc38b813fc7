import { isDeepStrictEqual } from 'node:util'
import { CredentialLimits, type UpdateCredential } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type ParsedCredential, parseCredential } from '../credential-types/parse-credential.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { assertKnownCaBundles, assertTakesLimits } from './ca-bundle-limit.ts'
import { type CredentialChange, changeCredential } from './change-credential.ts'
import { openSecret } from './credential-secret.ts'
import { toExpiry } from './expiry.ts'
import { type CredentialRecord, withCertificate } from './store.ts'
import type { CurrentCredential } from './version-store.ts'

type Request = z.infer<typeof UpdateCredential>

/**
 * Changes what the request names; a secret, or an `extra` that differs, makes the next version. `ifMatch` is the header's
 * value. Throws `not_found`, `conflict` (name), `precondition_failed`, `validation_failed`.
 */
export const updateCredential = (
  deps: Deps,
  actor: ProjectActor,
  id: string,
  request: Request,
  ifMatch: string | undefined,
): Promise<CredentialRecord> =>
  changeCredential(deps, actor, {
    id,
    ifMatch,
    async plan(current, executor) {
      const { limits, extra = current.extra } = request
      if (limits !== undefined || request.extra !== undefined)
        assertTakesLimits({ type: current.type, extra }, limits ?? CredentialLimits.parse(current.limits))
      if (limits !== undefined) await assertKnownCaBundles(executor, actor.projectId, limits)
      return planUpdate(deps, current, request)
    },
  })

async function planUpdate(
  deps: Deps,
  current: CurrentCredential,
  request: Request,
): Promise<CredentialChange> {
  const now = deps.now()
  const { name, description, is_active, limits, rotate_every_days, expires_at } = request
  const fields: CredentialChange['fields'] = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(is_active === undefined ? {} : { isActive: is_active }),
    ...(limits === undefined ? {} : { limits }),
    ...(rotate_every_days === undefined ? {} : { rotateEveryDays: rotate_every_days }),
    ...(typeof expires_at === 'string' ? { expiresAt: toExpiry(expires_at, now) } : {}),
  }
  // To give up a date is to have the secret's own, if it has one.
  if (request.secret === undefined && request.extra === undefined && expires_at !== null) return { fields }
  return planSecret(deps, current, request, fields)
}

export const isUnchanged = ({ extra, certificate }: ParsedCredential, current: CurrentCredential): boolean =>
  isDeepStrictEqual(extra, current.extra) &&
  certificate.certificate === current.certificate &&
  certificate.certificateChain === current.certificateChain

async function planSecret(
  deps: Deps,
  current: CurrentCredential,
  { secret, extra, expires_at }: Request,
  fields: CredentialChange['fields'],
): Promise<CredentialChange> {
  const parsed = await parseCredential({
    type: current.type,
    secret: secret ?? (await openSecret(deps.cipher, current, current.secret)),
    extra: extra ?? (secret === undefined ? withCertificate(current) : current.extra),
  })
  const former = secret === undefined && expires_at === undefined ? current.expiresAt : null
  const expiresAt = fields.expiresAt ?? parsed.expiresAt ?? former
  if (secret === undefined && isUnchanged(parsed, current)) return { fields: { ...fields, expiresAt } }
  return changeTo(parsed, {
    ...fields,
    expiresAt,
    ...(secret === undefined ? {} : { rotatedAt: deps.now() }),
  })
}

/** The next version, which is what was parsed. */
export const changeTo = (
  { extra, certificate, secret }: ParsedCredential,
  fields: CredentialChange['fields'],
): CredentialChange => ({ fields: { ...fields, extra, ...certificate }, secret })
