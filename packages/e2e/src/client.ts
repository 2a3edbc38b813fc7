import type { Platform } from './platform.ts'

export interface Answer<Body = Record<string, unknown>> {
  status: number
  headers: Headers
  text: string
  /** The JSON body; an empty object where there is none. */
  body: Body
}

export interface CallOptions {
  headers?: Record<string, string>
  /** Sent as JSON, unless it is a string, which is sent as it is. */
  body?: unknown
}

export type Call = <Body = Record<string, unknown>>(
  method: string,
  url: string,
  options?: CallOptions,
) => Promise<Answer<Body>>

/** Calls paths below `base` with the given headers. */
export function createCaller(base: string, always: Record<string, string> = {}): Call {
  return async <Body>(method: string, url: string, { headers = {}, body }: CallOptions = {}) => {
    const answer = await fetch(new URL(url, base), {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...always,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    })
    const text = await answer.text()
    const isJson = /json/.test(answer.headers.get('content-type') ?? '')
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: (isJson ? JSON.parse(text) : {}) as Body,
    }
  }
}

/** The management API through the gateway as the administrator, in the given project. */
export async function signIn({ stack }: Platform, projectId?: string): Promise<Call> {
  const open = createCaller(stack.gateway_url)
  const session = await open<{ access_token: string }>('POST', '/api/session', { body: stack.admin })
  if (session.status !== 200) throw new Error(`signing in answered ${session.status}: ${session.text}`)
  return createCaller(stack.gateway_url, {
    authorization: `Bearer ${session.body.access_token}`,
    ...(projectId === undefined ? {} : { 'x-project-id': projectId }),
  })
}

/** The body of an answer that must be 2xx. */
export async function must<Body>(answer: Promise<Answer<Body>>): Promise<Body> {
  const { status, text, body } = await answer
  if (status < 200 || status > 299) throw new Error(`answered ${status}: ${text}`)
  return body
}
