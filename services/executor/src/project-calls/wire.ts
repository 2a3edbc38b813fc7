import type { Breaker, CallOperation, ConnectorCall } from '@opsconductor/contracts'
import type { StoredBreaker, StoredCall } from './store.ts'

export const toCallWire = (call: StoredCall): ConnectorCall => ({
  id: call.id,
  connector_id: call.connectorId,
  connector: call.connector,
  side: call.side as ConnectorCall['side'],
  source_project_id: call.sourceProjectId,
  target_project_id: call.targetProjectId,
  source_run_id: call.sourceRunId,
  source_step_id: call.sourceStepId,
  target_workflow_id: call.targetWorkflowId,
  operation: call.operation as CallOperation,
  attempts: call.attempts,
  outcome: call.outcome as ConnectorCall['outcome'],
  error_code: call.errorCode,
  error_message: call.errorMessage,
  latency_ms: call.finishedAt === null ? null : call.finishedAt.getTime() - call.startedAt.getTime(),
  started_at: call.startedAt.toISOString(),
  finished_at: call.finishedAt?.toISOString() ?? null,
})

export const toBreakerWire = (breaker: StoredBreaker): Breaker => ({
  connector_id: breaker.connectorId,
  state: breaker.state as Breaker['state'],
  failures: breaker.failures,
  opened_at: breaker.openedAt?.toISOString() ?? null,
  retry_at: breaker.retryAt?.toISOString() ?? null,
})
