import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'

type Needed = Pick<Deps, 'clientLimits' | 'servers' | 'audit'>

/** Replaces what an API key may manage; null is every server. Throws `validation_failed` for servers of others. */
export async function putLimit(
  deps: Needed,
  { projectId, apiKeyId, by }: { projectId: string; apiKeyId: string; by: string },
  serverIds: readonly string[] | null,
): Promise<void> {
  const known = new Set(serverIds === null ? [] : await deps.servers.findIds(projectId, serverIds))
  const errors = (serverIds ?? []).flatMap((id, index) =>
    known.has(id) ? [] : [{ path: `body.server_ids[${index}]`, message: 'is not a server of this project' }],
  )
  if (errors.length > 0)
    throw new AppError('validation_failed', 'body.server_ids names servers that this project does not have', {
      errors: errors.slice(0, 20),
    })
  await deps.clientLimits.put(projectId, apiKeyId, serverIds === null ? null : [...known], by)
  await deps.audit.record({
    projectId,
    actor: by,
    action: 'client.limit',
    outcome: 'succeeded',
    detail: { api_key_id: apiKeyId, server_ids: serverIds === null ? null : [...known] },
  })
}

/** What is left of it: servers that were deleted are not named. */
export async function readLimit(
  deps: Pick<Deps, 'clientLimits' | 'servers'>,
  projectId: string,
  apiKeyId: string,
): Promise<string[] | null> {
  const serverIds = await deps.clientLimits.find(projectId, apiKeyId)
  return serverIds === undefined ? null : deps.servers.findIds(projectId, serverIds)
}
