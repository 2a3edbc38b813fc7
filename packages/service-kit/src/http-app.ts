import { randomUUID } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { trace } from '@opentelemetry/api'
import { databaseUnavailable } from '@opsconductor/database'
import { AppError, problemContentType, toAppError, toProblem } from '@opsconductor/errors'
import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { assertPlainJson } from './plain-json.ts'
import { assertNoRepeatedMembers } from './repeated-members.ts'
import type { Reply, RequestFacts } from './route.ts'
import { inSpan, SpanKind } from './tracing.ts'

export interface AppContext {
  log: Logger
  metrics: Metrics
}

const requestIdPattern = /^[A-Za-z0-9._:-]{1,100}$/

/** An express app with what every listener of ours has: request id, span, metrics, JSON bodies with a limit. */
export function createApp({ metrics }: AppContext, options: { bodyBytesMax: number }): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use((request, response, next) => {
    const given = request.get('x-request-id')
    const id = given !== undefined && requestIdPattern.test(given) ? given : randomUUID()
    response.locals.requestId = id
    response.setHeader('X-Request-Id', id)
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Cache-Control', 'no-store')
    const startedAt = performance.now()
    response.once('finish', () => {
      metrics.requestSeconds.observe(
        { method: request.method, route: routeOf(response), status: response.statusCode },
        (performance.now() - startedAt) / 1000,
      )
    })
    void inSpan(
      request.method,
      {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': request.method },
        carrier: request.headers,
      },
      (span) =>
        new Promise<void>((resolve) => {
          response.once('close', () => {
            span.updateName(`${request.method} ${routeOf(response)}`)
            span.setAttributes({
              'http.route': routeOf(response),
              'http.response.status_code': response.statusCode,
            })
            resolve()
          })
          next()
        }),
    )
  })
  app.use(requireJson)
  // What is not JSON has been refused already.
  const type = () => true
  app.use(express.json({ type, limit: options.bodyBytesMax, strict: false, verify: keepText }))
  app.use((request, _response, next) => {
    assertOneMeaning(request)
    next()
  })
  return app
}

/** The route's pattern, never the raw path: it is a metric label and a span name. */
const routeOf = (response: Response): string => (response.locals.route as string | undefined) ?? 'unmatched'

/** The bodies that are being checked, as they came. */
const textOf = new WeakMap<object, { text: Buffer; charset: string }>()

function keepText(request: object, _response: unknown, text: Buffer, charset: string): void {
  textOf.set(request, { text, charset })
}

/** The body means the same to every parser, and can be stored. */
function assertOneMeaning(request: Request): void {
  const given = textOf.get(request)
  textOf.delete(request)
  // RFC 8259, 8.1: nothing but UTF-8 between systems.
  if (given !== undefined && given.charset !== 'utf-8')
    throw new AppError('unsupported_media_type', 'Send the body in UTF-8.')
  const members = assertPlainJson(request.body, 'body')
  if (given !== undefined) assertNoRepeatedMembers(given.text, members)
}

const jsonType = 'application/json; charset=utf-8'
/** `application/json`, and what is made of it as `application/merge-patch+json`; with parameters. */
const jsonTypes = /^\s*application\/(?:[\w!#$&^.+-]+\+)?json\s*(?:;|$)/i

function requireJson(request: Request, _response: Response, next: NextFunction): void {
  const hasBody =
    request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0
  if (hasBody && !jsonTypes.test(request.headers['content-type'] ?? ''))
    throw new AppError('unsupported_media_type', 'Send the body as application/json.')
  next()
}

export function requestFacts(request: Request, response: Response): RequestFacts {
  const gone = new AbortController()
  response.once('close', () => {
    // Aborting makes an error with a stack: not for every request that ended well.
    if (!response.writableFinished) gone.abort()
  })
  return {
    requestId: response.locals.requestId as string,
    clientAddress: request.get('x-real-ip') ?? request.socket.remoteAddress ?? '',
    header: (name) => request.get(name),
    signal: gone.signal,
  }
}

export async function send(response: Response, reply: Reply): Promise<void> {
  response.statusCode = reply.status
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  if (reply.content !== undefined) await sendContent(response, reply.content)
  else if (reply.body === undefined) response.end()
  else {
    response.setHeader('Content-Type', jsonType)
    response.end(JSON.stringify(reply.body))
  }
}

/** Read no faster than the client takes it. What fails on the way closes the connection: the status has gone out. */
async function sendContent(response: Response, content: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(content, response)
  } catch (error) {
    if (!response.headersSent) throw error
    response.destroy()
  }
}

/** The last of an app's handlers: 404 for what no route took, and problem+json for every error. */
export function finishApp(app: Express, { log }: AppContext): Express {
  app.use(() => {
    throw new AppError('not_found', 'There is nothing at this path.')
  })
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (response.headersSent) {
      next(error)
      return
    }
    sendProblem(response, fromParser(error) ?? databaseUnavailable(error) ?? toAppError(error), log)
  })
  return app
}

export function sendProblem(response: Response, error: AppError, log: Logger): void {
  if (error.status >= 500)
    log.error(
      { err: error, route: routeOf(response), request_id: response.locals.requestId },
      'request failed',
    )
  if (error.retryAfterSeconds !== undefined)
    response.setHeader('Retry-After', String(error.retryAfterSeconds))
  if (error.exactBody !== undefined) {
    response.status(error.status).json(error.exactBody)
    return
  }
  const traceId = trace.getActiveSpan()?.spanContext().traceId
  response
    .status(error.status)
    .type(problemContentType)
    .send(JSON.stringify(toProblem(error, traceId)))
}

/** body-parser's and the router's errors in our words. */
function fromParser(error: unknown): AppError | undefined {
  const { type, status } = (error ?? {}) as { type?: string; status?: number }
  if (type === 'entity.too.large')
    return new AppError('body_too_large', 'The body is over the limit.', { cause: error })
  if (type === 'entity.parse.failed') return new AppError('malformed_json', 'The body is not valid JSON.')
  if (type === 'request.aborted') return new AppError('invalid_request', 'The request was aborted.')
  if (error instanceof URIError)
    return new AppError('invalid_request', 'The path is not valid percent-encoding.')
  if (error instanceof AppError || status === undefined || status >= 500) return undefined
  return new AppError('invalid_request', 'The request could not be read.', { cause: error })
}
