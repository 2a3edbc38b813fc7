import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { AppError } from '@opsconductor/errors'
import { type Authorities, caOf } from '../authorities.ts'

export interface TlsSettings {
  versionMin: SecureVersion
  verify: boolean
  authorities: Authorities
  /** Shown to targets that ask who connects, in PEM. */
  certificate: { chain: string; privateKey: string } | undefined
}

const contextsMax = 100
const contexts = new Map<string, SecureContext>()

/** Kept, because reading all public authorities takes longer than a handshake. */
export function secureContextOf(tls: TlsSettings): SecureContext {
  const key = hashTls(tls)
  const context = contexts.get(key) ?? createContext(tls)
  // The map is kept in the order of use.
  contexts.delete(key)
  if (contexts.size >= contextsMax) contexts.delete(contexts.keys().next().value as string)
  contexts.set(key, context)
  return context
}

function createContext({ versionMin, authorities, certificate }: TlsSettings): SecureContext {
  try {
    const ca = caOf(authorities)
    return createSecureContext({
      minVersion: versionMin,
      ...(ca && { ca }),
      ...(certificate && { cert: certificate.chain, key: certificate.privateKey }),
    })
  } catch {
    // The library's own text may quote what it was given.
    throw new AppError('step_failed', 'The client certificate or a CA bundle of the project cannot be used.')
  }
}

/** The same only for the same settings, secrets included. */
export const hashTls = (tls: TlsSettings): string =>
  createHash('sha256').update(JSON.stringify(tls)).digest('base64')
