import { retryAfterMs } from '@opsconductor/errors'
import { Agent, request } from 'undici'
import { faultOfVaultUrl, lookupWithin, type OutboundRules } from './outbound.ts'
import { vaultError } from './vault-error.ts'

export interface VaultRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string | Buffer | null
  signal: AbortSignal
}

export interface VaultAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

/** The one way to a vault, for our own requests and for the vendors' SDKs alike. */
export interface VaultHttp {
  /**
   * The answer, whatever its status. Throws `vault_unreachable` where none came, `vault_bad_answer` for a redirect and
   * for more than 2 MB. No redirect is followed, not even one to the same host: it would carry the token to an address
   * that an answer chose, and an API has no reason to give one but a standby's that does not forward.
   */
  send(request: VaultRequest): Promise<VaultAnswer>
  close(): Promise<void>
}

export interface VaultHttpOptions {
  outbound: OutboundRules
  /** PEM of the certificate authority that signed the vault's certificate, where it is not a public one. */
  ca?: string | undefined
  /** PEM: for a vault that wants to see our certificate. */
  client?: { certificate: string; key: string } | undefined
}

/** Vault keeps secrets of up to 1 MB, which JSON may double. */
const answerBytesMax = 2 * 1024 * 1024
const connectTimeoutMs = 5_000
const headersBytesMax = 32 * 1024

export function createVaultHttp({ outbound, ca, client }: VaultHttpOptions): VaultHttp {
  const agent = new Agent({
    connections: 16,
    connectTimeout: connectTimeoutMs,
    maxResponseSize: answerBytesMax,
    maxHeaderSize: headersBytesMax,
    connect: {
      lookup: lookupWithin(outbound),
      ...(ca === undefined ? {} : { ca }),
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
    },
  })
  return {
    async send({ method, url, headers = {}, body = null, signal }) {
      const fault = faultOfVaultUrl(url.replace(/\?.*$/, ''), outbound)
      if (fault !== undefined) throw vaultError('vault_unreachable', `The vault's address ${fault}.`)
      try {
        const answer = await request(url, { dispatcher: agent, method, headers, body, signal })
        const status = answer.statusCode
        if (status >= 300 && status < 400 && status !== 304) {
          await answer.body.dump()
          throw vaultError('vault_bad_answer', 'The vault redirects elsewhere, which is not followed.', {
            facts: { status },
          })
        }
        return {
          status,
          headers: flatten(answer.headers),
          body: Buffer.from(await answer.body.arrayBuffer()),
        }
      } catch (error) {
        throw refusalOf(error, signal)
      }
    },
    close: () => agent.destroy(),
  }
}

const flatten = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  )

/** undici's errors name hosts and codes; none quotes a header or a body. */
function refusalOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return isTimeout(signal.reason) ? tooSlow() : signal.reason
  const { code, name } = error as { code?: string; name?: string }
  if (code?.startsWith('vault_')) return error
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return vaultError('vault_bad_answer', 'The vault answered more than 2 MB.')
  if (code === 'UND_ERR_INVALID_ARG')
    return vaultError('vault_bad_answer', 'The request to the vault could not be formed.', {
      facts: { code },
    })
  return vaultError('vault_unreachable', `The vault could not be reached (${reasonOf(code)}).`, {
    facts: { code: code ?? name },
  })
}

const isTimeout = (reason: unknown): boolean => reason instanceof Error && reason.name === 'TimeoutError'

export const tooSlow = () => vaultError('vault_unreachable', 'The vault did not answer in time.')

const reasons: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'its name is not known',
  EADDRREFUSED: 'its name leads to this machine or a link-local address',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'the connection broke',
  ECONNRESET: 'the connection broke',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

const reasonOf = (code = ''): string =>
  reasons[code] ??
  (/CERT|SELF_SIGNED|VERIFY/.test(code)
    ? 'its certificate is not trusted; is `ca_pem` set?'
    : code || 'no answer')

/** The body of an answer as a JSON object. The parser's own error is dropped: it quotes the text, which may hold a secret. */
export function readJsonObject({ body, status }: VaultAnswer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw notJson(status)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notJson(status)
  return value as Record<string, unknown>
}

const notJson = (status: number) =>
  vaultError('vault_bad_answer', 'The vault answered something that is not a JSON object.', {
    facts: { status },
  })

/** Retry-After in seconds, at most an hour; undefined where there is none that can be used. */
export function retryAfterOf(headers: Record<string, string>): number | undefined {
  const ms = retryAfterMs(headers['retry-after'], new Date())
  return ms === undefined || ms === 0 ? undefined : Math.min(Math.ceil(ms / 1000), 3600)
}
