import { AppError, retryAfterMs } from '@opsconductor/errors'

interface Answered {
  status: number
  headers: Record<string, string>
  /** The provider's own code. Its text is never passed on: it may hold the credential. */
  code?: string | undefined
}

/** What an HTTP answer that is no success means to whoever asked for the record. */
export function providerFailure(provider: string, { status, headers, code }: Answered): AppError {
  const facts =
    code === undefined ? `${status}` : `${status}, code ${code.replaceAll(/[^\w.-]/g, '').slice(0, 60)}`
  if (status === 429) {
    const waitMs = retryAfterMs(headers['retry-after'], new Date())
    return new AppError('target_failed', `${provider} limits its requests (${facts}).`, {
      ...(waitMs === undefined ? {} : { retryAfterSeconds: Math.min(Math.ceil(waitMs / 1_000), 3_600) }),
    })
  }
  if (status >= 500) return new AppError('target_failed', `${provider} failed (${facts}).`)
  if (status === 401 || status === 403)
    return new AppError('target_refused', `${provider} refused the credential (${facts}).`)
  return new AppError('target_refused', `${provider} refused the record (${facts}).`)
}
