import type { KeyObject } from 'node:crypto'
import type { Certificate } from './certificate.ts'

/** The certificates one after the other, as servers take them. */
export const certificatesToPem = (certificates: readonly Certificate[]): string =>
  certificates.map(({ x509 }) => x509.toString()).join('')

/** PKCS #8, not encrypted: a secret. */
export const keyToPem = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()
