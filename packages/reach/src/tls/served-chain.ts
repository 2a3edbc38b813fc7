import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import { AppError } from '@opsconductor/errors'
import { alternativeNamesOf } from './alternative-names.ts'

export const certificatesMax = 10
const namesMax = 100
const textCharactersMax = 500

/** A certificate as people read it. Texts and lists of it are cut: a server sends what it likes. */
export interface ServedCertificate {
  subject: string
  issuer: string
  /** Host names and IP addresses. */
  names: string[]
  /** Hexadecimal, as OpenSSL shows it. */
  serial: string
  not_before: string
  not_after: string
  /** SHA-256 of the DER, in lower-case hexadecimal. */
  fingerprint_sha256: string
  is_ca: boolean
}

/** The certificates that the server sent, its own first, then each one's issuer, without the root. */
export function servedChain(socket: TLSSocket, caBundles: readonly string[]): X509Certificate[] {
  const anchors = new Set(caBundles.flatMap(bodiesOf))
  const chain: X509Certificate[] = []
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && chain.length < certificatesMax) {
    const certificate = read(next.raw)
    // Node adds the trusted issuer at which the chain ends, sent or not.
    const isAnchor =
      certificate.subject === certificate.issuer || anchors.has(certificate.raw.toString('base64'))
    if (isAnchor && chain.length > 0) break
    chain.push(certificate)
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate
  }
  if (chain.length === 0) throw new AppError('target_refused', 'The target showed no certificate.')
  return chain
}

function read(der: Buffer): X509Certificate {
  try {
    const certificate = new X509Certificate(der)
    if (!Number.isNaN(certificate.validFromDate.getTime() + certificate.validToDate.getTime()))
      return certificate
  } catch {}
  throw new AppError('target_refused', 'The target showed a certificate that cannot be read.')
}

const bodiesOf = (pem: string): string[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END/g)].map(([, body = '']) =>
    body.replaceAll(/\s/g, ''),
  )

export const describeServed = (certificate: X509Certificate): ServedCertificate => ({
  subject: oneLine(certificate.subject),
  issuer: oneLine(certificate.issuer),
  names: alternativeNamesOf(certificate.subjectAltName)
    .slice(0, namesMax)
    .map((name) => name.slice(0, textCharactersMax)),
  serial: certificate.serialNumber,
  not_before: certificate.validFromDate.toISOString(),
  not_after: certificate.validToDate.toISOString(),
  fingerprint_sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  is_ca: certificate.ca,
})

/** Undefined where a certificate has none. */
const oneLine = (name: string | undefined): string =>
  (name ?? '').split('\n').join(', ').slice(0, textCharactersMax)
