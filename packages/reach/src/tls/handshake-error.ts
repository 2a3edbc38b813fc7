import type { SecureVersion } from 'node:tls'
import { AppError } from '@opsconductor/errors'
import { tlsFaults } from '../tls-faults.ts'
import { connectionFaults } from '../unreachable.ts'

/** What is said of a failed handshake by its code, beside what is said of every TLS connection. */
const handshakeFaults: Readonly<Record<string, string>> = {
  ...connectionFaults,
  ...tlsFaults,
  ECONNRESET: 'the connection was closed during the TLS handshake',
  ERR_SSL_EXCESSIVE_MESSAGE_SIZE: 'its certificates are larger than 100 KB',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'it does not know the server name',
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE':
    'it refused the TLS handshake; it may ask for a client certificate',
}

const certificateAlert =
  /_ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(?:REVOKED|EXPIRED|UNKNOWN|REQUIRED)|UNKNOWN_CA|ACCESS_DENIED)$/

const versionFaults = new Set(['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'ERR_SSL_UNSUPPORTED_PROTOCOL'])

/** A failed handshake as the step's error; OpenSSL's own text names files and functions of ours. */
export function handshakeError(
  error: unknown,
  { certificateIsShown, versionMin }: { certificateIsShown: boolean; versionMin: SecureVersion },
): AppError {
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  if (certificateIsShown && certificateAlert.test(code))
    return certificateRefused('The target refused the client certificate.')
  const reason = versionFaults.has(code)
    ? `it does not speak ${versionMin === 'TLSv1.3' ? 'TLS 1.3' : 'TLS 1.2 or 1.3'}`
    : (handshakeFaults[code] ?? 'the TLS handshake failed')
  return new AppError('target_unreachable', `The target could not be reached: ${reason}.`, {
    internal: { code, tls: true },
  })
}

export const certificateRefused = (message: string): AppError =>
  new AppError('target_refused', message, { internal: { refusedCredential: true } })
