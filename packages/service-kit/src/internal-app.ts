import type { InternalCaller, InternalEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Express, RequestHandler } from 'express'
import { type AppContext, createApp, finishApp, requestFacts, send } from './http-app.ts'
import type { InternalKeys } from './internal-keys.ts'
import { expressPath } from './public-app.ts'
import { createRefusalDelay, type RefusalDelay } from './refusal-delay.ts'
import type { AnyInternalRoute, InternalRequest, Reply } from './route.ts'
import { validate } from './validate.ts'

export interface InternalRefusal {
  endpoint: InternalEndpoint
  /** Undefined where the key was nobody's. */
  caller: InternalCaller | undefined
  clientAddress: string
  error: AppError
}

export interface InternalAppOptions extends AppContext {
  routes: readonly AnyInternalRoute[]
  keys: InternalKeys
  /** Throws where a dependency is missing. */
  ready(): Promise<void>
  /**
   * Called, and awaited, before a request is refused: one without a valid key, or of a service that the endpoint is not
   * for. For counting and for the audit log.
   */
  onUnauthorized?: (route: string, refusal: InternalRefusal) => unknown
  /** Slows who tries keys. */
  refusalDelay?: RefusalDelay
}

/** The app on the listener that the gateway never routes to: health, metrics, and the endpoints between services. */
export function createInternalApp(options: InternalAppOptions): Express {
  const app = createApp(options, { bodyBytesMax: 4 * 1024 * 1024 })
  addHealth(app, options)
  const refusalDelay = options.refusalDelay ?? createRefusalDelay()
  for (const definition of options.routes)
    app[definition.endpoint.method](
      expressPath(definition.endpoint.path),
      handler(definition, { ...options, refusalDelay }),
    )
  return finishApp(app, options)
}

type HealthOptions = Pick<InternalAppOptions, 'log' | 'metrics' | 'ready'>

/** The internal listener of a service without internal endpoints. */
export function createHealthApp(options: HealthOptions): Express {
  const app = createApp(options, { bodyBytesMax: 1024 })
  addHealth(app, options)
  return finishApp(app, options)
}

function addHealth(app: Express, { metrics, ready }: HealthOptions): void {
  app.get('/healthz', (_request, response) => {
    response.locals.route = '/healthz'
    response.json({ status: 'alive' })
  })
  app.get('/readyz', async (_request, response) => {
    response.locals.route = '/readyz'
    await ready().catch((cause) => {
      throw new AppError('service_unavailable', 'A dependency is missing.', { cause, retryAfterSeconds: 2 })
    })
    response.json({ status: 'ready' })
  })
  app.get('/metrics', async (_request, response) => {
    response.locals.route = '/metrics'
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}

function handler(
  { endpoint, handle }: AnyInternalRoute,
  options: InternalAppOptions & { refusalDelay: RefusalDelay },
): RequestHandler {
  const call = handle as (request: InternalRequest<unknown>) => Promise<Reply>
  const inQuery = endpoint.method === 'get' || endpoint.method === 'delete'
  return async (request, response) => {
    response.locals.route = endpoint.path
    const facts = requestFacts(request, response)
    // Nothing stands in front of this listener, so a forwarded address would be the caller's own word.
    const clientAddress = request.socket.remoteAddress ?? ''
    const caller = options.keys.callerOf(request.get('x-internal-key'))
    const error = refusalOf(endpoint, caller)
    if (error !== undefined) {
      await options.onUnauthorized?.(endpoint.path, { endpoint, caller, clientAddress, error })
      // Counted and logged first: what waits is no secret to anybody.
      if (caller === undefined) await options.refusalDelay.hold(clientAddress, facts.signal)
      throw error
    }
    const reply = await call({
      ...facts,
      clientAddress,
      caller: caller as InternalCaller,
      params: request.params as Record<string, string>,
      request: validate(endpoint.request, inQuery ? request.query : request.body, inQuery ? 'query' : 'body'),
    })
    await send(
      response,
      reply.body === undefined ? reply : { ...reply, body: endpoint.answer.parse(reply.body) },
    )
  }
}

function refusalOf(endpoint: InternalEndpoint, caller: InternalCaller | undefined): AppError | undefined {
  if (caller === undefined)
    return new AppError('invalid_internal_key', 'Invalid or missing X-Internal-Key header')
  if (caller !== 'operator' && !endpoint.callers.includes(caller))
    return new AppError('forbidden', `${caller} may not call this endpoint.`)
  return undefined
}
