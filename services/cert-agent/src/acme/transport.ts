import { AppError } from '@opsconductor/errors'
import type { Outbound } from '../outbound/open-outbound.ts'
import { problemError } from './problem.ts'
import { retryAfterSeconds } from './retry-after.ts'

/** What acme-client's own HTTP is called with, and what it makes of the answer. */
export type Transport = (
  url: string,
  method: string,
  options?: { data?: unknown },
) => Promise<{ status: number; headers: Record<string, string>; data: unknown }>

const badNoncesMax = 10

/**
 * Carries acme-client's requests. Its own would trust and follow whom it likes, wait for as long as a CA says and read
 * without end. What a CA refuses is thrown here, since acme-client keeps only its text.
 */
export function createTransport(of: {
  outbound: Pick<Outbound, 'send'>
  signal: AbortSignal
  now: () => Date
}) {
  /** By URL, of the last answer. */
  const waits = new Map<string, number>()
  const alternates = new Map<string, string[]>()
  /** That came with answers, each good for one request: asking for one by itself (a HEAD) would double their number. */
  const nonces: string[] = []
  let badNonces = 0

  const request: Transport = async (url, method, { data } = {}) => {
    const nonce = method === 'head' ? nonces.pop() : undefined
    if (nonce !== undefined) return { status: 200, headers: { 'replay-nonce': nonce }, data: '' }
    const answer = await of.outbound.send({
      url,
      method: method.toUpperCase() as 'GET',
      headers: data === undefined ? {} : { 'content-type': 'application/jose+json' },
      ...(data === undefined ? {} : { body: JSON.stringify(data) }),
      signal: of.signal,
    })
    const { status, headers } = answer
    const wait = retryAfterSeconds(headers['retry-after'], of.now())
    if (wait === undefined) waits.delete(url)
    else waits.set(url, wait)
    alternates.set(url, alternatesIn(headers.link, url))
    const parsed = isJson(headers['content-type']) ? parse(answer.text, status) : answer.text
    if (status >= 300 && status < 400)
      throw new AppError(
        'target_refused',
        `The certificate authority answered ${status}, a redirect, which is not followed.`,
      )
    // acme-client asks again with the new one that came along (RFC 8555 section 6.5).
    const isToAskAgain = isBadNonce(status, parsed) && ++badNonces <= badNoncesMax
    if (method === 'post' && !isToAskAgain && headers['replay-nonce'] !== undefined)
      nonces.push(headers['replay-nonce'])
    if (status >= 400 && !isToAskAgain) throw problemError(parsed, { status, retryAfterSeconds: wait })
    if (status < 400) badNonces = 0
    return { status, headers, data: parsed }
  }
  return {
    request,
    /** How long the CA asked us to wait before asking again; undefined where it did not say. */
    waitOf: (url: string): number | undefined => waits.get(url),
    /** Where the CA has the same certificate with other chains (RFC 8555 section 7.4.2). */
    alternatesOf: (url: string): readonly string[] => alternates.get(url) ?? [],
  }
}

const alternatesMax = 5

const alternatesIn = (link = '', base: string): string[] =>
  [...link.matchAll(/<([^<>]{1,2000})>\s*;\s*rel="?alternate"?/gi)]
    .slice(0, alternatesMax)
    .flatMap(([, target = '']) => URL.parse(target, base)?.href ?? [])

const isJson = (contentType = ''): boolean => /^application\/(?:[a-z-]+\+)?json\b/i.test(contentType)

const isBadNonce = (status: number, data: unknown): boolean =>
  status === 400 && (data as { type?: unknown } | null)?.type === 'urn:ietf:params:acme:error:badNonce'

function parse(text: string, status: number): unknown {
  try {
    const value: unknown = text === '' ? {} : JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below; the parser's own words quote the text.
  }
  if (status >= 400) return {}
  throw notAcme()
}

export const notAcme = (cause?: unknown): AppError =>
  new AppError('target_failed', 'The certificate authority answered something that is not ACME (RFC 8555).', {
    ...(cause === undefined ? {} : { cause }),
  })
