import type { Challenge } from '@opsconductor/contracts'
import { AppError, type FieldError } from '@opsconductor/errors'
import { findChallengeFaults } from '../challenges/find-challenge-faults.ts'
import type { Deps } from '../deps.ts'

/** What a certificate is to be, as far as it is given. */
export interface Wish {
  names?: readonly string[] | undefined
  challenges?: readonly Challenge[] | undefined
  keyMadeOn?: string | null | undefined
  acmeAccountId?: string | null | undefined
  vhostIds?: readonly string[] | undefined
  serverIds?: readonly string[] | undefined
}

/** Throws `validation_failed`, naming each field that is not the project's, or that no CA could be shown control by. */
export async function checkWish(
  { certificates }: Pick<Deps, 'certificates'>,
  projectId: string,
  { names = [], challenges = [], keyMadeOn, acmeAccountId, vhostIds = [], serverIds = [] }: Wish,
): Promise<void> {
  const servers = [
    ...serverIds.map((id, index) => ({ id, path: `body.server_ids[${index}]` })),
    ...(keyMadeOn ? [{ id: keyMadeOn, path: 'body.key_made_on' }] : []),
    ...challenges.flatMap((one, index) =>
      one.type === 'http-01' && one.server_id !== null
        ? [{ id: one.server_id, path: `body.challenges[${index}].server_id` }]
        : [],
    ),
  ]
  const dnsAccounts = challenges.flatMap((one, index) =>
    one.type === 'dns-01'
      ? [{ id: one.dns_account_id, path: `body.challenges[${index}].dns_account_id` }]
      : [],
  )
  const accounts = acmeAccountId ? [{ id: acmeAccountId, path: 'body.acme_account_id' }] : []
  const vhosts = vhostIds.map((id, index) => ({ id, path: `body.vhost_ids[${index}]` }))
  const unknown = async (
    kind: Parameters<typeof certificates.missing>[1],
    given: { id: string; path: string }[],
  ) => {
    const missing = await certificates.missing(
      projectId,
      kind,
      given.map(({ id }) => id),
    )
    return given
      .filter(({ id }) => missing.has(id))
      .map(({ path }) => ({ path, message: "is not one of the project's" }))
  }
  refuse([
    ...(await unknown('servers', servers)),
    ...(await unknown('dnsAccounts', dnsAccounts)),
    ...(await unknown('acmeAccounts', accounts)),
    ...(await unknown('vhosts', vhosts)),
    ...findChallengeFaults(names, challenges),
  ])
}

export function refuse(errors: FieldError[]): void {
  if (errors.length === 0) return
  const shown = errors.slice(0, 20)
  const detail = shown
    .map(({ path, message }) => `${path} ${message}`)
    .join('; ')
    .slice(0, 1_000)
  throw new AppError('validation_failed', detail, { errors: shown })
}
