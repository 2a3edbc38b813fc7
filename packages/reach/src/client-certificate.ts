import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'

/** What of a credential of type x509 is needed to show it. */
export interface ClientCertificate {
  secret: Readonly<Record<string, SecretValue>>
  extra: Readonly<Record<string, unknown>>
}

/** The certificate with its chain, and its key, in PEM. Throws `step_failed` where the credential lacks one. */
export function clientCertificateOf({ secret, extra }: ClientCertificate): {
  chain: string
  privateKey: string
} {
  const { certificate, certificate_chain: chain } = extra
  const privateKey = secret.private_key?.reveal()
  if (typeof certificate !== 'string' || privateKey === undefined)
    throw new AppError('step_failed', 'The client certificate has no certificate or no private key.')
  return { chain: typeof chain === 'string' ? `${certificate}\n${chain}` : certificate, privateKey }
}
