import { X509Certificate } from 'node:crypto'
import { describeCertificate, parseCertificate } from '@opsconductor/x509'

/** All of it is public. */
export interface NewVersion {
  /** Lower-case hexadecimal. */
  serial: string
  issuer: string
  /** DNS names and addresses. */
  names: string[]
  fingerprintSha256: string
  notBefore: Date
  notAfter: Date
  certificatePem: string
  chainPem: string
}

/** What is kept of a certificate, beside its key. `chainPem`: without the certificate itself and the root. */
export function describeVersion(certificatePem: string, chainPem: string): NewVersion {
  const { alternativeNames, ...seen } = describe(certificatePem)
  return {
    serial: seen.serialNumber.toLowerCase(),
    issuer: seen.issuer,
    names: [...alternativeNames.dns.map((name) => name.toLowerCase()), ...alternativeNames.ip],
    fingerprintSha256: seen.fingerprintSha256,
    notBefore: seen.notBefore,
    notAfter: seen.notAfter,
    certificatePem,
    chainPem,
  }
}

const describe = (pem: string) => describeCertificate(parseCertificate(new X509Certificate(pem).raw))

const keyTypes: Record<string, string> = {
  'RSA 2048': 'rsa-2048',
  'RSA 3072': 'rsa-3072',
  'RSA 4096': 'rsa-4096',
  'EC P-256': 'ec-p256',
  'EC P-384': 'ec-p384',
}

/** What is not kept of a version: the type of its key as certificates have it, and whether it is an authority's. */
export function describeKind(certificatePem: string): { keyType: string; isCa: boolean } {
  const { keyType, isCa } = describe(certificatePem)
  return { keyType: keyTypes[keyType] ?? 'other', isCa }
}
