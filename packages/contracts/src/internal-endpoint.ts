import type { z } from 'zod'
import type { ServiceName } from './services.ts'

/**
 * One endpoint between services: who owns it, who may call it, and its shapes.
 * `callers` is the platform's access table; the shared INTERNAL_KEY (`operator`) may call everything.
 * Path parameters are written `{name}`.
 */
export interface InternalEndpoint<
  Request extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  service: ServiceName
  callers: readonly ServiceName[]
  method: 'get' | 'post' | 'put' | 'delete'
  path: `/internal/${string}`
  summary: string
  /** The JSON body, or the query string where the method is get or delete. */
  request: Request
  answer: Answer
}

export function internalEndpoint<Request extends z.ZodType, Answer extends z.ZodType>(
  endpoint: InternalEndpoint<Request, Answer>,
): InternalEndpoint<Request, Answer> {
  return endpoint
}
