import type { Deps } from '../deps.ts'
import { notify } from '../notifications/notify.ts'
import type { WatchedCertificate } from './certificate-store.ts'
import { isExpiring } from './judge-vhost.ts'

type Needed = Pick<Deps, 'certificateWatch' | 'notifications' | 'now'>

const dayMs = 86_400_000
const pageSize = 500
/** As many days as a project may want to be told before. */
const daysMax = 366

/** Tells of certificates that end and that nothing has renewed in time, once at each of the project's days. */
export async function tellExpiry(deps: Needed): Promise<void> {
  const now = deps.now()
  const before = new Date(now.getTime() + daysMax * dayMs)
  let page: WatchedCertificate[] = []
  do {
    page = await deps.certificateWatch.listEnding(before, page.at(-1)?.id, pageSize)
    for (const certificate of page) await tellOne(deps, certificate, now)
  } while (page.length === pageSize)
}

async function tellOne(deps: Needed, certificate: WatchedCertificate, now: Date): Promise<void> {
  const { id, projectId, name, version, notAfter } = certificate
  const told = toTell(certificate, now)
  if (told === undefined) return
  const kind = told === 'expired' ? 'certificate_expired' : 'certificate_expiring'
  const ends = notAfter.toISOString()
  const daysLeft = Math.floor((notAfter.getTime() - now.getTime()) / dayMs)
  const what =
    kind === 'certificate_expired'
      ? 'has expired'
      : daysLeft < 1
        ? 'expires today'
        : `expires in ${daysLeft} days`
  await notify(deps, {
    ...{ projectId, kind, key: `${kind}:${id}:${told}:v${version}` },
    title: `The certificate ${name} ${what}`,
    text: `The certificate ${name} (version ${version}) ${what}, at ${ends}, and was not renewed.`,
    facts: { certificate_id: id, certificate: name, version, not_after: ends, days_left: daysLeft },
  })
}

/** The smallest of the days that has come; undefined where none has, or it is renewed in time. */
export function toTell(
  certificate: Pick<WatchedCertificate, 'notBefore' | 'notAfter' | 'renewAt' | 'expiryDays'>,
  now: Date,
): number | 'expired' | undefined {
  if (certificate.notAfter <= now) return 'expired'
  return certificate.expiryDays
    .toSorted((one, other) => one - other)
    .find((days) => isExpiring(certificate, days, now))
}
