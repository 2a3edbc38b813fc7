import { z } from 'zod'

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const pattern = new RegExp(`^(?:${label}\\.)+${label}$`)

/** Of at least two labels, in ASCII, without a dot at its end. */
export const isDnsName = (text: string): boolean => text.length <= 253 && pattern.test(text)

export const DnsName = z
  .string()
  .max(253)
  .toLowerCase()
  .refine(isDnsName, 'must be a DNS name in ASCII, without a dot at its end')

export const isWithin = (name: string, zone: string): boolean => name === zone || name.endsWith(`.${zone}`)

/** The names of the zones that may hold `fqdn`, the longest first; only those that are `allowed`, where that is said. */
export function zonesThatMayHold(fqdn: string, allowed: readonly string[] | undefined): string[] {
  if (allowed !== undefined)
    return allowed.filter((zone) => isWithin(fqdn, zone)).sort((a, b) => b.length - a.length)
  const labels = fqdn.split('.')
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'))
}
