/** An OpenAPI 3.1 document, as far as it is merged. */
interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, { tags?: string[] } & Record<string, unknown>>>
  components?: { schemas?: Record<string, unknown>; securitySchemes?: Record<string, unknown> }
}

const answerWithinMs = 3_000

/**
 * One document of all services, each operation tagged with its service. A service that does not answer is left out, and
 * the description says so. Schemas are inline in our services' documents, so nothing can clash but the security schemes,
 * which are the same everywhere.
 */
export async function mergeOpenApi(sources: Record<string, string>): Promise<OpenApiDocument> {
  const found = await Promise.all(
    Object.entries(sources).map(async ([service, url]) => [service, await fetchDocument(url)] as const),
  )
  const missing = found.flatMap(([service, document]) => (document === undefined ? [service] : []))
  const merged: OpenApiDocument = {
    openapi: '3.1.0',
    info: {
      title: 'OpsConductor',
      version: '1',
      ...(missing.length === 0
        ? {}
        : { description: `Not available now, so left out: ${missing.join(', ')}.` }),
    },
    paths: {},
    components: { securitySchemes: {} },
  }
  for (const [service, document] of found) {
    if (document === undefined) continue
    for (const [path, operations] of Object.entries(document.paths))
      merged.paths[path] = Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => [method, { ...operation, tags: [service] }]),
      )
    Object.assign(merged.components?.securitySchemes ?? {}, document.components?.securitySchemes)
  }
  return merged
}

async function fetchDocument(baseUrl: string): Promise<OpenApiDocument | undefined> {
  try {
    const answer = await fetch(new URL('/docs/openapi.json', baseUrl), {
      signal: AbortSignal.timeout(answerWithinMs),
    })
    return answer.ok ? ((await answer.json()) as OpenApiDocument) : undefined
  } catch {
    return undefined
  }
}
