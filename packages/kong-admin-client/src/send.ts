import { Pool } from 'undici'
import { errorOfAnswer, KongAdminError } from './kong-admin-error.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface Answer {
  status: number
  /** Undefined for 204. */
  body: unknown
}

export type Send = (method: Method, path: string, body?: object) => Promise<Answer>

export interface SendOptions {
  adminUrl: string
  token?: string | undefined
  timeoutMs: number
  triesMax: number
  wait(ms: number): Promise<void>
  random(): number
}

/** What a gateway in front of Kong, or a Kong that is starting, answers for a moment. */
const passing = new Set([429, 502, 503, 504])
const repeatable = new Set<Method>(['GET', 'PUT', 'DELETE'])

const delayMsBase = 50
const delayMsMax = 1_000
const answerBytesMax = 16 * 2 ** 20

interface NetworkError {
  code?: string
  syscall?: string
  /** One per address that was tried. */
  errors?: NetworkError[]
}

const codeOf = (error: unknown): string => (error as NetworkError).code ?? ''

/** The request never left, so it is safe to send any method again. */
function neverConnected({ code, syscall, errors }: NetworkError): boolean {
  if (Array.isArray(errors)) return errors.every(neverConnected)
  return code === 'UND_ERR_CONNECT_TIMEOUT' || syscall === 'connect' || syscall === 'getaddrinfo'
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** One keep-alive pool for one Admin API. Every try has `timeoutMs`, from connecting to the last byte. */
export function createSender(options: SendOptions): { send: Send; close(): Promise<void> } {
  const { adminUrl, token, timeoutMs, triesMax, wait, random } = options
  const { origin, pathname } = new URL(adminUrl)
  const base = pathname.replace(/\/$/, '')
  const pool = new Pool(origin, {
    connections: 16,
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: answerBytesMax,
  })
  const common = { Accept: 'application/json', ...(token === undefined ? {} : { 'Kong-Admin-Token': token }) }

  const once = async (method: Method, path: string, body: string | undefined): Promise<Answer> => {
    const headers = body === undefined ? common : { ...common, 'Content-Type': 'application/json' }
    const signal = AbortSignal.timeout(timeoutMs)
    const answer = await pool.request({ method, path: base + path, headers, body: body ?? null, signal })
    const text = await answer.body.text()
    const { statusCode: status } = answer
    const request = `${method} ${path.split('?')[0]}`
    if (status === 204) return { status, body: undefined }
    const parsed = parse(text)
    if (status >= 300) throw errorOfAnswer(request, status, parsed)
    if (!parsed) {
      const message = `Kong answered ${status} to ${request} with something that is not JSON`
      throw new KongAdminError('unavailable', message, { status })
    }
    return { status, body: parsed }
  }

  const mayRepeat = (method: Method, error: unknown): boolean => {
    if (neverConnected(error as NetworkError)) return true
    if (!repeatable.has(method)) return false
    return !(error instanceof KongAdminError) || passing.has(error.status ?? 0)
  }

  const send: Send = async (method, path, body) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    for (let tries = 1; ; tries += 1) {
      try {
        return await once(method, path, text)
      } catch (error) {
        if (tries < triesMax && mayRepeat(method, error)) {
          // Full jitter, so that many waiting clients do not come back at once.
          await wait(random() * Math.min(delayMsMax, delayMsBase * 2 ** tries))
          continue
        }
        if (error instanceof KongAdminError) throw error
        const why = codeOf(error) || (error as Error).name
        throw new KongAdminError('unreachable', `Kong's Admin API at ${origin} did not answer (${why})`, {
          cause: error,
        })
      }
    }
  }
  return { send, close: async () => (pool.closed || pool.destroyed ? undefined : pool.close()) }
}
