import { z } from 'zod'
import { asciiLowerCase } from './certificate-fields.ts'

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const dnsName = new RegExp(`^(?:\\*\\.)?(?:${label}\\.)+${label}$`)
const isAddress = (text: string) => z.ipv4().safeParse(text).success || z.ipv6().safeParse(text).success
const notAName = 'must be a DNS name in ASCII, one *. at its beginning, or an IP address'
/** RFC 5952, so that one address is one name. */
const canonicalAddress = (text: string): string =>
  z.ipv6().safeParse(text).success ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text

/**
 * A name that a certificate is for: a DNS name in ASCII (`*.` only at its beginning; other scripts are given as they
 * are written in DNS, `xn--…`, so that nobody is shown one name and given another), or an IP address.
 */
export const CertificateName = asciiLowerCase(253, notAName)
  .overwrite(canonicalAddress)
  .refine((text) => isAddress(text) || (dnsName.test(text) && !/(?:^|\.)[0-9]+$/.test(text)), notAName)
export const namesMax = 100
export const Names = z
  .array(CertificateName)
  .min(1)
  .max(namesMax)
  .refine((names) => new Set(names).size === names.length, 'must not name anything twice')
