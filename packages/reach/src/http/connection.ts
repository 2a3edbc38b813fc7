import { hashTls, type TlsSettings } from '../tls/secure-context.ts'

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

const connectMsDefault = 10_000

export function connectionOf(
  { proxy, connectMs = connectMsDefault }: ConnectionInput,
  tls: TlsSettings | undefined,
): Connection {
  return { key: JSON.stringify([proxy?.href ?? '', connectMs, tls && hashTls(tls)]), connectMs, proxy, tls }
}
