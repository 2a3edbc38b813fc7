import { type Caller, callerLabel, hashJson, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { checkedIdempotencyKey, idFor } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import type { NewOperation, StoredOperation } from './store.ts'

/** What a request with an Idempotency-Key becomes: the same id however often it is sent. */
export type Asked = Pick<NewOperation, 'id' | 'asked'>

/**
 * Starts what a caller asks for, or answers the operation that the same request with the same Idempotency-Key started.
 * Throws `idempotency_mismatch` where the key came with another request.
 */
export async function startOnce(
  deps: Pick<Deps, 'operations'>,
  { caller, key, request }: { caller: Caller; key: string | undefined; request: unknown },
  start: (as: Asked) => Promise<StoredOperation>,
): Promise<StoredOperation> {
  if (key === undefined) return start({})
  const projectId = projectOf(caller)
  const id = idFor('operation', projectId, callerLabel(caller), checkedIdempotencyKey(key))
  const asked = hashJson(request)
  const find = async () => {
    const known = await deps.operations.find(projectId, id)
    if (known !== undefined && (known.request as { asked?: string }).asked !== asked)
      throw new AppError('idempotency_mismatch', 'The Idempotency-Key was used with another request.')
    return known
  }
  return (
    (await find()) ??
    start({ id, asked }).catch(async (error: unknown) => {
      // The same request was quicker.
      const known = await find()
      if (known === undefined) throw error
      return known
    })
  )
}
