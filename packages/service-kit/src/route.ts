import type { Caller } from '@opsconductor/auth'
import type { InternalCaller, InternalEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'

export type HttpMethodName = 'get' | 'post' | 'put' | 'patch' | 'delete'
type Parsed<Schema> = Schema extends z.ZodType ? z.infer<Schema> : undefined

/** What every handler is told of its request, beside the validated parts. */
export interface RequestFacts {
  requestId: string
  /** The peer's address, or what the gateway says of the client's. */
  clientAddress: string
  header(name: string): string | undefined
  /** Fires when the client has gone. */
  signal: AbortSignal
}

export interface Reply {
  status: number
  body?: unknown
  /** Sent as it comes, in place of a body; `headers` say what it is, and its route declares no schema. */
  content?: AsyncIterable<Uint8Array>
  headers?: Record<string, string>
}

export interface RouteShape<Params, Query, Body> {
  method: HttpMethodName
  /** OpenAPI form: `/api/jobs/{id}`. */
  path: string
  summary: string
  params?: Params
  query?: Query
  body?: Body
  /** The body schema of each good answer; answers are cut down to it, so a field it does not name never leaves. */
  answers: Record<number, z.ZodType | null>
}

interface Handled<Params, Query, Body> extends RequestFacts {
  params: Parsed<Params>
  query: Parsed<Query>
  body: Parsed<Body>
}

type Schema = z.ZodType | undefined

/** A public endpoint that needs a caller allowed to do `action` (a row of the service's permission table). */
export interface ProtectedRoute<
  Params extends Schema = Schema,
  Query extends Schema = Schema,
  Body extends Schema = Schema,
> extends RouteShape<Params, Query, Body> {
  action: string
  handle(request: Handled<Params, Query, Body> & { caller: Caller }): Promise<Reply>
}

/** A public endpoint for everybody, as sign-in is. */
export interface OpenRoute<
  Params extends Schema = Schema,
  Query extends Schema = Schema,
  Body extends Schema = Schema,
> extends RouteShape<Params, Query, Body> {
  action: null
  handle(request: Handled<Params, Query, Body>): Promise<Reply>
}

// The list of an app's routes holds routes of every shape; their handlers are only ever called with what their own
// schemas parsed.
export type AnyRoute = Omit<RouteShape<Schema, Schema, Schema>, never> & {
  action: string | null
  handle(request: never): Promise<Reply>
}

export function route<
  P extends Schema = undefined,
  Q extends Schema = undefined,
  B extends Schema = undefined,
>(definition: ProtectedRoute<P, Q, B>): AnyRoute {
  return definition
}

export function openRoute<
  P extends Schema = undefined,
  Q extends Schema = undefined,
  B extends Schema = undefined,
>(definition: OpenRoute<P, Q, B>): AnyRoute {
  return definition
}

export interface InternalRequest<Request> extends RequestFacts {
  params: Record<string, string>
  /** The validated body, or query where the method is get or delete. */
  request: Request
  /** Which service asks; already checked against the endpoint's callers. */
  caller: InternalCaller
}

export interface AnyInternalRoute {
  endpoint: InternalEndpoint
  handle(request: InternalRequest<never>): Promise<Reply>
}

/** The service's side of an endpoint between services: answers the body, or throws. */
export function internalRoute<Request extends z.ZodType, Answer extends z.ZodType>(
  endpoint: InternalEndpoint<Request, Answer>,
  handle: (request: InternalRequest<z.infer<Request>>) => Promise<z.infer<Answer>>,
): AnyInternalRoute {
  return internalReplyRoute(endpoint, async (request) => ({ status: 200, body: await handle(request) }))
}

export interface InternalReply<Answer> extends Reply {
  /** 304: the caller has it already; without a body. */
  status: 200 | 304
  body?: Answer
}

/** The same where headers or the status matter too. */
export function internalReplyRoute<Request extends z.ZodType, Answer extends z.ZodType>(
  endpoint: InternalEndpoint<Request, Answer>,
  handle: (request: InternalRequest<z.infer<Request>>) => Promise<InternalReply<z.infer<Answer>>>,
): AnyInternalRoute {
  return { endpoint, handle }
}
