import { invalidField } from '@opsconductor/errors'
import {
  type Certificate,
  CertificateFault,
  certificatesToPem,
  findWeakness,
  parsePem,
} from '@opsconductor/x509'

export interface ParsedCaBundle {
  /** PEM, each certificate once, in the order given. */
  certificates: string
  certificateCount: number
  /** Of the certificate that expires first. */
  expiresAt: Date
}

/**
 * The certificates of a PEM text. Import this file where it is used: with its ASN.1 libraries it would be a twentieth of the
 * service's memory. Throws `validation_failed` naming `certificates`; no message quotes the text.
 */
export function parseCaBundle(text: string): ParsedCaBundle {
  if (/PRIVATE KEY/i.test(text))
    throw refuse(
      'must hold certificates only: this has a private key. Whoever saw it may know it now; replace it',
    )
  const given = parse(text)
  const certificates = [...new Map(given.map((one) => [one.fingerprint, one])).values()]
  for (const [index, certificate] of certificates.entries()) {
    const fault = faultOf(certificate)
    if (fault !== undefined) throw refuse(`${fault} (certificate ${index + 1})`)
  }
  const ends = certificates.map(({ x509 }) => x509.validToDate.getTime())
  return {
    certificates: certificatesToPem(certificates),
    certificateCount: certificates.length,
    expiresAt: new Date(Math.min(...ends)),
  }
}

function parse(text: string): Certificate[] {
  try {
    const { certificates } = parsePem(text)
    if (certificates.length > 0) return certificates
  } catch (error) {
    if (!(error instanceof CertificateFault)) throw error
    throw refuse(`cannot be read: ${error.message}`)
  }
  throw refuse('must hold at least one certificate in PEM')
}

function faultOf({ extensions, publicKey, x509 }: Certificate): string | undefined {
  const weakness = findWeakness(publicKey)
  if (publicKey === undefined || weakness !== undefined)
    return `holds a certificate whose key ${weakness?.message ?? 'is of an unknown kind'}`
  // A server's own certificate may be trusted as it is, where it was signed with its own key.
  if (!extensions.isCa && !x509.verify(publicKey))
    return 'holds a certificate that is neither of an authority nor self-signed'
  return undefined
}

const refuse = (message: string) => invalidField('body.certificates', message)
