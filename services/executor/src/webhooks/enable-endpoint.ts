import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { ExecutorDeps } from '../deps.ts'
import type { WebhookEndpoint } from './store.ts'

/** Puts an endpoint that answered 410 to use again. It must be validated anew where a step asks for that. */
export async function enableEndpoint(
  { webhooks, events }: Pick<ExecutorDeps, 'webhooks' | 'events'>,
  caller: Caller,
  id: string,
): Promise<WebhookEndpoint> {
  const projectId = projectOf(caller)
  const by = callerLabel(caller)
  const endpoint = await webhooks.enableEndpoint(projectId, id, by)
  if (endpoint === undefined) throw new AppError('not_found', 'There is no such webhook endpoint.')
  events.webhookEndpointEnabled({ projectId, endpointId: id, by })
  return endpoint
}
