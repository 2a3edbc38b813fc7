import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import { insertAccess, type NewAccess } from './access-store.ts'
import type { ConnectorRecord } from './store.ts'

/** Logs what a caller does to a connector, in the transaction that does it. */
export const recordAccess = (
  client: Parameters<typeof insertAccess>[0],
  caller: Caller,
  { id, projectId, name }: Pick<ConnectorRecord, 'id' | 'projectId' | 'name'>,
  action: NewAccess['action'],
  reason?: string,
): Promise<void> =>
  insertAccess(client, {
    connectorId: id,
    connector: name,
    ownerProjectId: projectId,
    usedByProjectId: projectOf(caller),
    actor: callerLabel(caller),
    action,
    success: true,
    reason,
  })
