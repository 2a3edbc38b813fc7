import type { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { type Certificate, isKeyOf, issuerText, subjectText } from './certificate.ts'
import type { Path } from './find-paths.ts'
import { findWeakness } from './key-strength.ts'
import { chainLengthMax } from './limits.ts'
import { findConstraintBreach } from './name-constraints.ts'
import { isSameName } from './names.ts'

/** Why a chain does not hold. Stable: callers match on them. */
export type ChainFaultCode =
  | 'issuer_missing'
  | 'bad_signature'
  | 'chain_too_long'
  | 'untrusted_root'
  | 'expired'
  | 'not_yet_valid'
  | 'issuer_is_no_ca'
  | 'issuer_may_not_sign'
  | 'path_too_long'
  | 'name_not_permitted'
  | 'unknown_critical_extension'
  | 'weak_signature'
  | 'unsupported_key'
  | 'weak_key'
  | 'wrong_purpose'
  | 'key_mismatch'
  | 'name_mismatch'

export interface ChainFault {
  code: ChainFaultCode
  message: string
  /** The one that is at fault. */
  certificate: Certificate
}

export type Purpose = 'server' | 'client'

export interface PathToCheck {
  path: Path
  trustIsGiven: boolean
  /** Whether a chain that ends below its root is at fault. */
  rootRequired: boolean
  now: Date
  names?: readonly string[] | undefined
  key?: KeyObject | undefined
  purpose?: Purpose | undefined
}

type Policy = (check: PathToCheck) => ChainFault[]

/** All that is wrong with a path, in the order of the policies. */
export const checkPath = (check: PathToCheck): ChainFault[] => policies.flatMap((policy) => policy(check))

const fault = (code: ChainFaultCode, certificate: Certificate, message: string): ChainFault => ({
  code,
  certificate,
  message: `${subjectText(certificate) || 'A certificate without a subject'}: ${message}`,
})

const leafOf = ({ path }: PathToCheck): Certificate => path.certificates[0] as Certificate

const issuersOf = ({ path }: PathToCheck): Certificate[] => path.certificates.slice(1)

const endsAtAnAnchor: Policy = ({ path, trustIsGiven, rootRequired }) => {
  const last = path.certificates[path.certificates.length - 1] as Certificate
  const issuer = issuerText(last)
  if (path.end === 'self_signed' && trustIsGiven)
    return [fault('untrusted_root', last, 'ends the chain but is not trusted')]
  if (path.end === 'issuer_missing' && rootRequired)
    return [fault('issuer_missing', last, `its issuer is missing: ${issuer}`)]
  if (path.end === 'bad_signature')
    return [fault('bad_signature', last, `was not signed by the given certificate of its issuer: ${issuer}`)]
  if (path.end === 'too_long')
    return [fault('chain_too_long', last, `the chain has more than ${chainLengthMax} certificates`)]
  return []
}

const datesHold: Policy = ({ path, now }) =>
  path.certificates.flatMap((certificate) => {
    const { validFromDate, validToDate } = certificate.x509
    if (now > validToDate) return [fault('expired', certificate, `expired at ${validToDate.toISOString()}`)]
    if (now >= validFromDate) return []
    return [fault('not_yet_valid', certificate, `is not valid before ${validFromDate.toISOString()}`)]
  })

const issuersAreAuthorities: Policy = (check) =>
  issuersOf(check)
    .filter(({ extensions }) => !extensions.isCa)
    .map((issuer) => fault('issuer_is_no_ca', issuer, 'signed a certificate but is no authority'))

const issuersMaySign: Policy = (check) =>
  issuersOf(check)
    .filter(({ extensions }) => extensions.maySignCertificates === false)
    .map((issuer) =>
      fault('issuer_may_not_sign', issuer, 'its key usage does not allow it to sign certificates'),
    )

/** RFC 5280 section 4.2.1.9: authorities between the issuer and the leaf count, but not those that issued themselves. */
const pathLengthsHold: Policy = (check) =>
  issuersOf(check).flatMap((issuer, index, issuers) => {
    const below = issuers.slice(0, index).filter(({ subject, issuer }) => !isSameName(subject, issuer)).length
    const most = issuer.extensions.pathLength
    if (most === undefined || below <= most) return []
    return [fault('path_too_long', issuer, `allows ${most} authorities below it; there are ${below}`)]
  })

/** RFC 5280 section 6.1.3 (b): a certificate that an authority issued to itself is free, unless it is the leaf. */
const namesArePermitted: Policy = (check) =>
  issuersOf(check).flatMap((issuer, index) => {
    const constraints = issuer.extensions.nameConstraints
    if (constraints === undefined) return []
    return check.path.certificates
      .slice(0, index + 1)
      .filter((below, depth) => depth === 0 || !isSameName(below.subject, below.issuer))
      .flatMap((below) => {
        const breach = findConstraintBreach(below, constraints)
        if (breach === undefined) return []
        const message = `${breach}, says ${subjectText(issuer)}`
        return [fault('name_not_permitted', below, message)]
      })
  })

const criticalExtensionsAreKnown: Policy = ({ path }) =>
  path.certificates.flatMap((certificate) =>
    certificate.extensions.unknownCritical.map((id) =>
      fault('unknown_critical_extension', certificate, `the critical extension ${id} is not understood here`),
    ),
  )

/** MD2, MD5 and SHA-1, with RSA, DSA or ECDSA. */
const weakAlgorithms = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.3.14.3.2.29',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
])

/** The signature of the anchor itself is believed by nobody, so it may be weak. */
const signaturesAreStrong: Policy = ({ path }) =>
  path.certificates
    .filter(({ x509 }, index) => index === 0 || x509.subject !== x509.issuer)
    .filter(({ signatureAlgorithm }) => weakAlgorithms.has(signatureAlgorithm))
    .map((certificate) => fault('weak_signature', certificate, 'its signature uses MD5 or SHA-1'))

const keysAreStrong: Policy = ({ path }) =>
  path.certificates.flatMap((certificate) => {
    const weakness = findWeakness(certificate.publicKey)
    return weakness === undefined ? [] : [fault(weakness.code, certificate, `its key ${weakness.message}`)]
  })

const purposeIds = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' }
const anyPurpose = '2.5.29.37.0'

const purposeFits: Policy = ({ path, purpose }) =>
  path.certificates.flatMap((certificate) => {
    const allowed = certificate.extensions.purposes
    if (purpose === undefined || allowed === undefined) return []
    if (allowed.includes(purposeIds[purpose]) || allowed.includes(anyPurpose)) return []
    return [fault('wrong_purpose', certificate, `is not meant for a TLS ${purpose}`)]
  })

const keyMatches: Policy = (check) =>
  check.key === undefined || isKeyOf(check.key, leafOf(check))
    ? []
    : [fault('key_mismatch', leafOf(check), 'the private key belongs to another certificate')]

const namesAreCovered: Policy = (check) =>
  (check.names ?? [])
    .filter((name) => !covers(leafOf(check), name))
    .map((name) => fault('name_mismatch', leafOf(check), `is not valid for ${name}`))

/** RFC 6125: alternative names only; a wildcard stands for one whole label, the leftmost. */
function covers({ x509 }: Certificate, name: string): boolean {
  if (isIP(name) !== 0) return x509.checkIP(name) !== undefined
  const ascii = domainToASCII(name)
  // To OpenSSL a name that begins with a dot means every name below it.
  if (ascii === '' || ascii.startsWith('.')) return false
  return x509.checkHost(ascii, { subject: 'never', partialWildcards: false }) !== undefined
}

/** Each is independent of the others; a new rule is a function and a line here. */
const policies: readonly Policy[] = [
  endsAtAnAnchor,
  datesHold,
  issuersAreAuthorities,
  issuersMaySign,
  pathLengthsHold,
  namesArePermitted,
  criticalExtensionsAreKnown,
  signaturesAreStrong,
  keysAreStrong,
  purposeFits,
  keyMatches,
  namesAreCovered,
]
