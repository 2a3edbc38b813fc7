import type { AuditRow } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { StoredAuditRow } from './store.ts'

export const toAuditWire = (row: Omit<StoredAuditRow, 'id'> & { id: string }): z.infer<typeof AuditRow> => ({
  id: row.id,
  at: row.at.toISOString(),
  actor: row.actor,
  action: row.action,
  operation_id: row.operationId,
  certificate_id: row.certificateId,
  server_id: row.serverId,
  outcome: row.outcome as z.infer<typeof AuditRow>['outcome'],
  detail: row.detail as z.infer<typeof AuditRow>['detail'],
})
