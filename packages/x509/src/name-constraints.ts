import type { Certificate } from './certificate.ts'
import type { NameConstraints } from './certificate-extensions.ts'
import { nameComparisonsMax } from './limits.ts'
import { type GeneralName, startsWithName } from './names.ts'

/**
 * How a certificate breaks the name constraints of an authority above it (RFC 5280 section 4.2.1.10); undefined where it
 * does not. A name of a kind that is constrained but cannot be judged here is a breach.
 */
export function findConstraintBreach(
  certificate: Certificate,
  { permitted, excluded }: NameConstraints,
): string | undefined {
  const names = constrainedNames(certificate)
  if (names.length * (permitted.length + excluded.length) > nameComparisonsMax)
    return 'it has more names than can be compared with the constraints'
  for (const name of names) {
    const alike = (base: GeneralName): boolean => base.kind === name.kind && isSameOther(base, name)
    if (excluded.filter(alike).some((base) => isWithin(name, base) || mayBeWithin(name, base)))
      return `its name ${show(name)} is excluded`
    const allowed = permitted.filter(alike)
    if (allowed.length > 0 && !allowed.some((base) => isWithin(name, base)))
      return `its name ${show(name)} is not among those permitted`
  }
  return undefined
}

/** The alternative names, the subject, and the e-mail addresses in the subject where there are no others. */
function constrainedNames({ subject, extensions }: Certificate): GeneralName[] {
  const names = [...extensions.alternativeNames]
  if (subject.parts.length > 0) names.push({ kind: 'directory', value: subject })
  if (!names.some(({ kind }) => kind === 'email'))
    names.push(...subject.emails.map((value) => ({ kind: 'email' as const, value })))
  return names
}

const isSameOther = (base: GeneralName, name: GeneralName): boolean =>
  base.kind !== 'other' || base.value === name.value

function isWithin(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'dns' && base.kind === 'dns') return isBelowHost(name.value, base.value)
  if (name.kind === 'email' && base.kind === 'email') return isWithinMail(name.value, base.value)
  if (name.kind === 'uri' && base.kind === 'uri') return isWithinHost(hostOfUri(name.value), base.value)
  if (name.kind === 'ip' && base.kind === 'ip') return isWithinNetwork(name.value, base.value)
  return name.kind === 'directory' && base.kind === 'directory' && startsWithName(name.value, base.value)
}

/** What is excluded only in part, as by `*.example.com` where `db.example.com` is excluded, and what cannot be judged. */
function mayBeWithin(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'other') return true
  if (name.kind === 'uri') return hostOfUri(name.value) === undefined
  if (name.kind !== 'dns' || base.kind !== 'dns' || !name.value.startsWith('*.')) return false
  return base.value.slice(base.value.indexOf('.', 1)) === name.value.slice(1)
}

/** The host itself and all below it; with a leading dot, which many authorities write, only those below. */
function isBelowHost(host: string, base: string): boolean {
  if (!host.endsWith(base)) return false
  return (
    base === '' || host.length === base.length || base.startsWith('.') || host.at(-base.length - 1) === '.'
  )
}

/** For e-mail addresses and URIs: exactly this host; with a leading dot those below it, and not itself. */
function isWithinHost(host: string | undefined, base: string): boolean {
  if (host === undefined) return false
  const [name, limit] = [host.toLowerCase(), base.toLowerCase()]
  return limit.startsWith('.') ? name.endsWith(limit) : limit === '' || name === limit
}

function isWithinMail(address: string, base: string): boolean {
  const at = address.lastIndexOf('@')
  const host = address.slice(at + 1)
  const baseAt = base.lastIndexOf('@')
  if (baseAt < 0) return isWithinHost(host, base)
  return address.slice(0, at) === base.slice(0, baseAt) && isWithinHost(host, base.slice(baseAt + 1))
}

/** Undefined for a URI without a host name, of which a constraint can say nothing. */
function hostOfUri(uri: string): string | undefined {
  const host = URL.canParse(uri) ? new URL(uri).hostname : ''
  return host === '' || host.startsWith('[') || /^[\d.]+$/.test(host) ? undefined : host
}

/** `network` is an address and a mask of the same length. */
function isWithinNetwork(address: Buffer, network: Buffer): boolean {
  if (network.length !== address.length * 2) return false
  return address.every((byte, index) => {
    const mask = network[address.length + index] as number
    return (byte & mask) === ((network[index] as number) & mask)
  })
}

const show = (name: GeneralName): string =>
  name.kind === 'dns' || name.kind === 'email' || name.kind === 'uri' ? name.value : `(${name.kind})`
