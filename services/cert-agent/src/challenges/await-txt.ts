import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import type { Reach } from '@opsconductor/reach'
import { createDnsLookup, type DnsLookup } from './dns-lookup.ts'

const dnsPort = 53
const nameServersMax = 8
const firstWaitMs = 500
const waitMsMax = 10_000

interface Awaited {
  fqdn: string
  value: string
  secondsMax: number
  /** Resolvers that are asked in place of the zone's own servers. */
  resolvers: readonly string[] | undefined
  reach: Pick<Reach, 'resolve'>
  now: () => Date
  signal: AbortSignal
  lookupAt?: (servers: readonly string[] | undefined, signal: AbortSignal) => DnsLookup
}

/**
 * Until whoever the CA would ask has the value: each of the zone's servers that answers. Throws `target_failed` after
 * `secondsMax`.
 */
export async function awaitTxt({ lookupAt = createDnsLookup, ...given }: Awaited): Promise<void> {
  const of = { ...given, lookupAt }
  const { fqdn, secondsMax, now, signal } = of
  const until = now().getTime() + secondsMax * 1_000
  const views = await findViews(of)
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 1.5, waitMsMax)) {
    if (await isSeenBy(views, of)) return
    if (now().getTime() >= until)
      throw new AppError(
        'target_failed',
        `The TXT record of ${fqdn} was written, and not seen in DNS within ${secondsMax} seconds.`,
      )
    await delay(waitMs, undefined, { signal })
  }
}

/** A set of servers that is asked as one; undefined: the system's resolvers. */
type View = readonly string[] | undefined

async function findViews(of: Required<Awaited>): Promise<View[]> {
  if (of.resolvers !== undefined) return of.resolvers.map((one) => [one])
  const found = await findAuthoritative(of)
  return found.length > 0 ? found.map((one) => [one]) : [undefined]
}

/** The addresses of the zone's servers that the project's outbound policy lets us ask: a zone may name any. */
async function findAuthoritative({ fqdn, reach, lookupAt, signal }: Required<Awaited>): Promise<string[]> {
  const lookup = lookupAt(undefined, signal)
  const labels = fqdn.split('.')
  for (let at = 0; at < labels.length - 1; at++) {
    const hosts = await lookup.nameServers(labels.slice(at).join('.'))
    if (hosts.length === 0) continue
    const addresses = await Promise.all(
      hosts.slice(0, nameServersMax).map((host) => reach.resolve(host, dnsPort).catch(() => [])),
    )
    return addresses.flatMap(([first]) => first?.address ?? [])
  }
  return []
}

async function isSeenBy(
  views: readonly View[],
  { fqdn, value, lookupAt, signal }: Required<Awaited>,
): Promise<boolean> {
  const answers = await Promise.all(
    views.map((servers) =>
      lookupAt(servers, signal)
        .txt(fqdn)
        .catch(() => undefined),
    ),
  )
  signal.throwIfAborted()
  const heard = answers.filter((values) => values !== undefined)
  return heard.length > 0 && heard.every((values) => values.includes(value))
}
