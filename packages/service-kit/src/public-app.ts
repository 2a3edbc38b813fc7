import { type Authenticate, assertAllowed, type Permissions } from '@opsconductor/auth'
import type { Express, Request, RequestHandler } from 'express'
import { type AppContext, createApp, finishApp, requestFacts, send } from './http-app.ts'
import { openApiDocument } from './openapi.ts'
import type { AnyRoute, Reply } from './route.ts'
import { validate } from './validate.ts'

export interface PublicAppOptions extends AppContext {
  title: string
  routes: readonly AnyRoute[]
  authenticate: Authenticate
  permissions: Permissions
  bodyBytesMax?: number
  /** Mounted before the routes: paths that are not fixed routes, as the published interfaces. */
  mount?: (app: Express) => void
}

/** The app behind the gateway: every route authenticates, checks its action, validates, calls, answers. */
export function createPublicApp(options: PublicAppOptions): Express {
  const app = createApp(options, { bodyBytesMax: options.bodyBytesMax ?? 1024 * 1024 })
  options.mount?.(app)
  let document: unknown
  app.get('/docs/openapi.json', (_request, response) => {
    response.locals.route = '/docs/openapi.json'
    document ??= openApiDocument(options.title, options.routes, options.permissions)
    response.json(document)
  })
  for (const definition of options.routes)
    app[definition.method](expressPath(definition.path), handler(definition, options))
  return finishApp(app, options)
}

function handler(definition: AnyRoute, { authenticate, permissions }: PublicAppOptions): RequestHandler {
  const handle = definition.handle as (request: unknown) => Promise<Reply>
  return async (request, response) => {
    response.locals.route = definition.path
    const caller = definition.action === null ? undefined : await authenticate(credentialHeaders(request))
    if (caller !== undefined && definition.action !== null)
      assertAllowed(permissions, definition.action, caller)
    const reply = await handle({
      ...requestFacts(request, response),
      caller,
      params: definition.params && validate(definition.params, request.params, 'params'),
      query: definition.query && validate(definition.query, request.query, 'query'),
      body: definition.body && validate(definition.body, request.body, 'body'),
    })
    const schema = definition.answers[reply.status]
    if (schema === undefined)
      throw new Error(`${definition.path} does not declare the answer ${reply.status}`)
    await send(
      response,
      schema === null ? { ...reply, body: undefined } : { ...reply, body: schema.parse(reply.body) },
    )
  }
}

export const credentialHeaders = (request: Request) => ({
  authorization: request.get('authorization'),
  apiKey: request.get('x-api-key'),
  projectId: request.get('x-project-id'),
})

/** `/api/jobs/{id}` → `/api/jobs/:id`. */
export const expressPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')
