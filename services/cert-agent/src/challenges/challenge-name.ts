import { AppError } from '@opsconductor/errors'
import { isDnsName } from '../dns-providers/dns-name.ts'
import type { DnsLookup } from './dns-lookup.ts'

const hopsMax = 8

/**
 * Where the TXT record of a name's challenge goes (RFC 8555 section 8.4): to `_acme-challenge.<name>`, or where CNAME
 * records lead from there, because that is where the CA looks. `alias`: that place, said by a person.
 */
export async function challengeName(name: string, alias: string | null, lookup: DnsLookup): Promise<string> {
  const own = ownChallengeName(name)
  let place = alias ?? own
  if (!isDnsName(place)) throw refused(`${place} is no name of DNS`)
  if (alias !== null) return alias
  for (let hops = 0; hops <= hopsMax; hops++) {
    const next = await lookup.cname(place)
    if (next === undefined || next === place) return place
    if (!isDnsName(next)) throw refused(`the CNAME of ${own} leads to what is no plain DNS name`)
    place = next
  }
  throw refused(`the CNAMEs of ${own} lead in a ring, or too far`)
}

export const ownChallengeName = (name: string): string => `_acme-challenge.${name.replace(/^\*\./, '')}`

const refused = (why: string) => new AppError('target_refused', `Nothing was written into DNS: ${why}.`)
