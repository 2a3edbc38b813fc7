import { type Certificate, issuerText, subjectText } from './certificate.ts'
import { keyTypeOf } from './key-strength.ts'
import type { GeneralName } from './names.ts'

export interface CertificateDescription {
  subject: string
  issuer: string
  /** Hexadecimal, as OpenSSL shows it. */
  serialNumber: string
  /** What it is valid for: host names, IP addresses, e-mail addresses and URIs. */
  alternativeNames: { dns: string[]; ip: string[]; email: string[]; uri: string[] }
  keyType: string
  notBefore: Date
  notAfter: Date
  /** SHA-256, in lower-case hexadecimal. */
  fingerprintSha256: string
  isCa: boolean
}

/** What a certificate says of itself, for people and lists. */
export function describeCertificate(certificate: Certificate): CertificateDescription {
  const { x509, extensions } = certificate
  const named = (kind: 'dns' | 'email' | 'uri'): string[] =>
    extensions.alternativeNames.flatMap((name) => (name.kind === kind ? [name.value] : []))
  return {
    subject: subjectText(certificate),
    issuer: issuerText(certificate),
    serialNumber: x509.serialNumber,
    alternativeNames: {
      dns: named('dns'),
      ip: extensions.alternativeNames.flatMap(addressOf),
      email: named('email'),
      uri: named('uri'),
    },
    keyType: keyTypeOf(certificate.publicKey),
    notBefore: x509.validFromDate,
    notAfter: x509.validToDate,
    fingerprintSha256: certificate.fingerprint,
    isCa: extensions.isCa,
  }
}

function addressOf(name: GeneralName): string[] {
  if (name.kind !== 'ip') return []
  if (name.value.length === 4) return [name.value.join('.')]
  const groups = Array.from({ length: 8 }, (_, index) => name.value.readUInt16BE(index * 2).toString(16))
  return [new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)]
}
