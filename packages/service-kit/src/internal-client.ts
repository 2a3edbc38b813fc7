import type { InternalEndpoint } from '@opsconductor/contracts'
import { AppError, type ErrorCode, errorCodes } from '@opsconductor/errors'
import { Agent, request } from 'undici'
import type { z } from 'zod'
import { inSpan, SpanKind, traceHeaders } from './tracing.ts'

export interface InternalClient {
  /** Calls an endpoint of another service; throws that service's AppError, or `service_unavailable`. */
  call<Request extends z.ZodType, Answer extends z.ZodType>(
    endpoint: InternalEndpoint<Request, Answer>,
    request: z.input<Request>,
    options?: { params?: Record<string, string>; signal?: AbortSignal },
  ): Promise<z.infer<Answer>>
  close(): Promise<void>
}

export interface InternalClientOptions {
  /** Base URL of each service's internal listener. */
  urls: Partial<Record<InternalEndpoint['service'], string>>
  key: string
  timeoutMs?: number
}

export function createInternalClient(options: InternalClientOptions): InternalClient {
  const timeoutMs = options.timeoutMs ?? 10_000
  const agent = new Agent({
    connectTimeout: 2_000,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connections: 64,
  })

  async function exchange(
    endpoint: InternalEndpoint,
    url: URL,
    body: string | undefined,
    signal: AbortSignal | undefined,
  ) {
    try {
      const answer = await request(url, {
        dispatcher: agent,
        method: endpoint.method.toUpperCase() as 'GET',
        headers: {
          'x-internal-key': options.key,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...traceHeaders(),
        },
        body: body ?? null,
        ...(signal === undefined ? {} : { signal }),
      })
      return { status: answer.statusCode, text: await answer.body.text() }
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      throw new AppError('service_unavailable', `The service ${endpoint.service} is not available.`, {
        cause,
        retryAfterSeconds: 2,
      })
    }
  }

  return {
    async call(endpoint, body, { params = {}, signal } = {}) {
      const base = options.urls[endpoint.service]
      if (base === undefined) throw new Error(`no URL is configured for ${endpoint.service}`)
      const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(params[name] ?? ''),
      )
      const url = new URL(path, base)
      const inQuery = endpoint.method === 'get' || endpoint.method === 'delete'
      if (inQuery)
        for (const [name, value] of Object.entries(body as Record<string, unknown>))
          if (value !== undefined) url.searchParams.set(name, String(value))
      const name = `${endpoint.method.toUpperCase()} ${endpoint.service} ${endpoint.path}`
      return inSpan(name, { kind: SpanKind.CLIENT }, async () => {
        const { status, text } = await exchange(
          endpoint,
          url,
          inQuery ? undefined : JSON.stringify(body),
          signal,
        )
        if (status !== 200) throw remoteError(endpoint, status, text)
        return endpoint.answer.parse(JSON.parse(text))
      })
    },
    close: () => agent.destroy(),
  }
}

/** The peer's problem as our error where it is the caller's fault; whatever went wrong inside the peer stays inside. */
function remoteError(endpoint: InternalEndpoint, status: number, text: string): AppError {
  let problem: { code?: string; detail?: string; reason?: string; errors?: AppError['errors'] } = {}
  try {
    problem = JSON.parse(text)
  } catch {
    // not ours; the status says enough
  }
  const internal = { service: endpoint.service, path: endpoint.path, status, code: problem.code }
  if (problem.reason === 'not_found')
    return new AppError('not_found', 'There is no such thing.', { internal })
  const code =
    problem.code !== undefined && problem.code in errorCodes ? (problem.code as ErrorCode) : undefined
  if (code === 'decryption_failed') return new AppError(code, 'Failed to decrypt credential', { internal })
  if (code !== undefined && status < 500 && status !== 403)
    return new AppError(code, problem.detail ?? 'Refused.', {
      internal,
      ...(problem.errors ? { errors: problem.errors } : {}),
    })
  if (status === 403 || status < 500)
    return new AppError('internal_error', `The service ${endpoint.service} refused the call.`, { internal })
  return new AppError('service_unavailable', `The service ${endpoint.service} is not available.`, {
    internal,
    retryAfterSeconds: 2,
  })
}
