import { isDeepStrictEqual } from 'node:util'
import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import { z } from 'zod'
import type { Order } from '../acme/answers.ts'
import type { Acme } from '../acme/open-acme.ts'
import type { StoredCertificate } from '../certificates/store.ts'
import type { Deps } from '../deps.ts'
import { isIssuedFor } from './check-issued.ts'
import { borrowKey, type KeyDeps, type KeyWork } from './key-of-version.ts'
import { poll } from './poll.ts'

/** As it stands in `certificates.order_under_way`. */
const OrderUnderWay = z.object({
  url: z.string(),
  account_id: z.string(),
  profile: z.string().nullable(),
  names: z.array(z.string()),
})

interface TakenUp {
  /** Undefined: a new one is needed. */
  order?: Order
  /** Of a certificate that was issued already, and what it is for. */
  pem?: string
  key?: SecretValue
}

/**
 * The order that an earlier attempt began. One that has its certificate already is of use only where the key is with the
 * broker, because it was kept there before or stays the same: the key of an attempt that died is gone.
 */
export async function takeUpOrder(
  deps: KeyDeps & Pick<Deps, 'certificates'>,
  acme: Acme,
  certificate: StoredCertificate,
  work: KeyWork,
): Promise<TakenUp> {
  const known = OrderUnderWay.safeParse(certificate.orderUnderWay)
  if (!known.success || !isWished(known.data, certificate)) return {}
  const found = await findOrder(acme, known.data.url, work.signal)
  if (found === undefined || found.status === 'invalid') return {}
  if (found.status !== 'valid') return { order: found }
  const key = await borrowKey(deps, certificate, work).catch(unlessRefused)
  if (key === undefined || (await isOfRevoked(deps, certificate, key))) return {}
  const pem = await acme.download(found)
  return isIssuedFor(pem, key) ? { order: found, pem, key } : {}
}

const isWished = (
  { account_id, profile, names }: z.infer<typeof OrderUnderWay>,
  wish: StoredCertificate,
): boolean => isDeepStrictEqual([account_id, profile, names], [wish.acmeAccountId, wish.profile, wish.names])

/** A key that is not there, or is not lent, is made anew with the order. */
function unlessRefused(error: unknown): undefined {
  if (!(error instanceof AppError) || error.code !== 'step_failed') throw error
}

/** Whoever revoked the newest version may have done so because somebody else has its key. */
async function isOfRevoked(
  { certificates }: Pick<Deps, 'certificates'>,
  { id, version }: StoredCertificate,
  key: SecretValue,
): Promise<boolean> {
  const newest = await certificates.findVersion(id, version)
  return newest !== undefined && newest.revokedAt !== null && isIssuedFor(newest.certificatePem, key)
}

async function findOrder(acme: Acme, url: string, signal: AbortSignal): Promise<Order | undefined> {
  try {
    return await poll(acme, {
      ...{ url, ask: acme.order, signal },
      isSettled: ({ status }) => status !== 'processing',
    })
  } catch (error) {
    // CAs forget orders that have ended, and some never end.
    if (error instanceof AppError && ['target_refused', 'step_timeout'].includes(error.code)) return undefined
    throw error
  }
}
