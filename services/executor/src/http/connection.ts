import { createHash } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { AppError } from '@opsconductor/errors'
import { type Authorities, caOf } from '../trust/authorities.ts'

/** What a step says of its connections. */
export interface ConnectionInput {
  /** An HTTP proxy that is asked for a tunnel (CONNECT). */
  proxy?: URL | undefined
  connectMs?: number | undefined
  /** `false` takes any certificate; whoever asks for this marks the run. */
  verify?: boolean | undefined
  /** Also for hosts that the project's policy has an exception for. */
  isTls13Only?: boolean | undefined
}

/** How a connection is made; one that was made for the one never serves another. */
export interface Connection {
  key: string
  connectMs: number
  proxy: URL | undefined
  /** Undefined for plain HTTP. */
  tls: TlsSettings | undefined
}

export interface TlsSettings {
  versionMin: SecureVersion
  verify: boolean
  authorities: Authorities
  /** Shown to targets that ask who connects, in PEM. */
  certificate: { chain: string; privateKey: string } | undefined
}

const connectMsDefault = 10_000

export function connectionOf(
  { proxy, connectMs = connectMsDefault }: ConnectionInput,
  tls: TlsSettings | undefined,
): Connection {
  return { key: JSON.stringify([proxy?.href ?? '', connectMs, tls && hashOf(tls)]), connectMs, proxy, tls }
}

const contextsMax = 100
const contexts = new Map<string, SecureContext>()

/** Kept, because reading all public authorities takes longer than a handshake. */
export function secureContextOf(tls: TlsSettings): SecureContext {
  const key = hashOf(tls)
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

const hashOf = (tls: TlsSettings): string => createHash('sha256').update(JSON.stringify(tls)).digest('base64')
