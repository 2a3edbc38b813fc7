import { createHash, type KeyObject, X509Certificate } from 'node:crypto'
import { Certificate as Structure } from 'pkijs'
import { readAsn1 } from './asn1.ts'
import { type CertificateExtensions, readExtensions } from './certificate-extensions.ts'
import { CertificateFault, readOrFault } from './certificate-fault.ts'
import { certificateBytesMax } from './limits.ts'
import { type DistinguishedName, readDistinguishedName } from './names.ts'

/** A certificate whose every part that a chain depends on was read. */
export interface Certificate {
  der: Buffer
  x509: X509Certificate
  /** SHA-256 of the DER, in lower-case hexadecimal. */
  fingerprint: string
  subject: DistinguishedName
  issuer: DistinguishedName
  /** The object identifier of the algorithm of its signature. */
  signatureAlgorithm: string
  /** Undefined where the key is of a kind that Node does not know. */
  publicKey: KeyObject | undefined
  extensions: CertificateExtensions
}

/** Throws CertificateFault `too_large` (64 KB) or `malformed_certificate`. */
export function parseCertificate(der: Uint8Array): Certificate {
  if (der.length > certificateBytesMax)
    throw new CertificateFault(
      'too_large',
      `A certificate has ${der.length} bytes; at most ${certificateBytesMax} are allowed.`,
    )
  return readOrFault('malformed_certificate', 'A certificate is damaged or is not one.', () => {
    const x509 = new X509Certificate(der)
    // OpenSSL reads past what follows the certificate, and so would check something else than what is kept.
    if (!x509.raw.equals(der)) throw new Error('not exactly one certificate')
    if (Number.isNaN(x509.validFromDate.getTime()) || Number.isNaN(x509.validToDate.getTime()))
      throw new Error('no dates')
    const structure = new Structure({ schema: readAsn1(der) })
    return {
      der: x509.raw,
      x509,
      fingerprint: createHash('sha256').update(der).digest('hex'),
      subject: readName(structure.subject.valueBeforeDecode),
      issuer: readName(structure.issuer.valueBeforeDecode),
      signatureAlgorithm: structure.signatureAlgorithm.algorithmId,
      publicKey: publicKeyOf(x509),
      extensions: readExtensions(
        (structure.extensions ?? []).map(({ extnID, critical, extnValue }) => ({
          id: extnID,
          critical,
          value: extnValue.valueBlock.valueHexView,
        })),
      ),
    }
  })
}

const readName = (ber: ArrayBuffer): DistinguishedName => readDistinguishedName(readAsn1(new Uint8Array(ber)))

function publicKeyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey
  } catch {
    return undefined
  }
}

/** Whether `issuer`'s key made the signature of `certificate`. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  if (issuer.publicKey === undefined) return false
  try {
    return certificate.x509.verify(issuer.publicKey)
  } catch {
    return false // a key of another kind than the signature
  }
}

/** Whether the private key belongs to the certificate. */
export function isKeyOf(key: KeyObject, { x509 }: Certificate): boolean {
  try {
    return x509.checkPrivateKey(key)
  } catch {
    return false // a key of another kind
  }
}

/** The subject as people write it, on one line. Node escapes commas and control characters in its parts. */
export const subjectText = ({ x509 }: Certificate): string => lineOf(x509.subject)

export const issuerText = ({ x509 }: Certificate): string => lineOf(x509.issuer)

const lineOf = (name: string | undefined): string => (name ?? '').split('\n').join(', ')

/** `certificates` without those that are there before. */
export const withoutRepeats = (certificates: readonly Certificate[]): Certificate[] => [
  ...new Map(certificates.map((certificate) => [certificate.fingerprint, certificate])).values(),
]
