import { extendZodWithOpenApi, OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi'
import type { Permissions } from '@opsconductor/auth'
import { z } from 'zod'
import type { AnyRoute } from './route.ts'

extendZodWithOpenApi(z)

const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  trace_id: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

/** The OpenAPI 3.1 document of a service's public routes, from the same schemas that validate. */
export function openApiDocument(
  title: string,
  routes: readonly AnyRoute[],
  permissions: Permissions,
): unknown {
  const registry = new OpenAPIRegistry()
  registry.registerComponent('securitySchemes', 'session', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  })
  registry.registerComponent('securitySchemes', 'apiKey', { type: 'apiKey', in: 'header', name: 'X-API-Key' })
  for (const route of routes) registry.registerPath(pathOf(route, permissions))
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title, version: '1' },
  })
}

const scopeText = (scope: string | null): string =>
  scope === null ? 'Not for API keys.' : `API key scope: \`${scope}\`.`

function pathOf(route: AnyRoute, permissions: Permissions): Parameters<OpenAPIRegistry['registerPath']>[0] {
  const responses: Record<string, { description: string; content?: Record<string, { schema: z.ZodType }> }> =
    {
      default: { description: 'A problem', content: { 'application/problem+json': { schema: Problem } } },
    }
  for (const [status, schema] of Object.entries(route.answers))
    responses[status] = {
      description: 'OK',
      ...(schema === null ? {} : { content: { 'application/json': { schema } } }),
    }
  const permission = route.action === null ? undefined : permissions[route.action]
  return {
    method: route.method,
    path: route.path,
    summary: route.summary,
    ...(permission && 'roles' in permission
      ? { description: `Roles: ${permission.roles.join(', ')}. ${scopeText(permission.scope)}` }
      : {}),
    security: route.action === null ? [] : [{ session: [] }, { apiKey: [] }],
    request: {
      ...(route.params === undefined ? {} : { params: route.params as z.ZodObject }),
      ...(route.query === undefined ? {} : { query: route.query as z.ZodObject }),
      ...(route.body === undefined
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: route.body } } } }),
    },
    responses,
  }
}
