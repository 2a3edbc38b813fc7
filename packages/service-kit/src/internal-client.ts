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
    options?: { params?: Record<string, string>; signal?: AbortSignal; timeoutMs?: number },
  ): Promise<z.infer<Answer>>
  close(): Promise<void>
}

export interface InternalClientOptions {
  /** Base URL of each service's internal listener. */
  urls: Partial<Record<InternalEndpoint['service'], string>>
  key: string
  /** For a whole call, from waiting for a connection to the last byte, where the call itself gives none. */
  timeoutMs?: number
}

export function createInternalClient(options: InternalClientOptions): InternalClient {
  const timeoutMsByDefault = options.timeoutMs ?? 10_000
  const agent = new Agent({ connectTimeout: 2_000, connections: 64 })

  async function exchange(
    endpoint: InternalEndpoint,
    url: URL,
    body: string | undefined,
    { signal, timeoutMs = timeoutMsByDefault }: { signal?: AbortSignal; timeoutMs?: number },
  ) {
    const deadline = AbortSignal.timeout(timeoutMs)
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
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      })
      return { status: answer.statusCode, text: await answer.body.text() }
    } catch (cause) {
      if (signal?.aborted) throw signal.reason
      throw unavailable(endpoint, {}, cause)
    }
  }

  return {
    async call(endpoint, body, { params = {}, ...limits } = {}) {
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
          limits,
        )
        if (status !== 200) throw remoteError(endpoint, status, text)
        const answer = endpoint.answer.safeParse(parseJson(text))
        if (!answer.success)
          throw unavailable(endpoint, { status, fault: 'the answer is not of the contract' })
        return answer.data
      })
    },
    close: () => agent.destroy(),
  }
}

interface RemoteProblem {
  code?: string
  detail?: string
  reason?: string
  errors?: AppError['errors']
}

/** The peer's problem as our error where it is the caller's fault; whatever went wrong inside the peer stays inside. */
function remoteError(endpoint: InternalEndpoint, status: number, text: string): AppError {
  const problem = (parseJson(text) ?? {}) as RemoteProblem
  const internal = { service: endpoint.service, path: endpoint.path, status, code: problem.code }
  if (problem.reason === 'not_found')
    return new AppError('not_found', 'There is no such thing.', { internal })
  const code =
    problem.code !== undefined && Object.hasOwn(errorCodes, problem.code)
      ? (problem.code as ErrorCode)
      : undefined
  if (code === 'decryption_failed') return new AppError(code, 'Failed to decrypt credential', { internal })
  // A vault is outside the peer: what it failed with is for whoever asked for its secret.
  if (code?.startsWith('vault_'))
    return new AppError(code, problem.detail ?? 'The vault failed.', { internal })
  if (code !== undefined && status < 500 && status !== 403)
    return new AppError(code, problem.detail ?? 'Refused.', {
      internal,
      ...(problem.errors ? { errors: problem.errors } : {}),
    })
  if (status < 500)
    return new AppError('internal_error', `The service ${endpoint.service} refused the call.`, { internal })
  return unavailable(endpoint, { status, code: problem.code })
}

function unavailable(
  { service, path }: InternalEndpoint,
  facts: Record<string, unknown>,
  cause?: unknown,
): AppError {
  return new AppError('service_unavailable', `The service ${service} is not available.`, {
    internal: { service, path, ...facts },
    cause,
    retryAfterSeconds: 2,
  })
}

/** Undefined where it is no JSON. The parser's own error is dropped: it quotes the text, which may hold a secret. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
