import { type Caller, callerLabel } from '@opsconductor/auth'
import type { Logger, Metrics } from '@opsconductor/service-kit'

/** One function per business event: its log line and its counter in one place. */
export function createEvents(log: Logger, metrics: Metrics) {
  const changes = metrics.counter('registry_changes_total', 'Workflows and interfaces changed.', ['change'])
  const settled = metrics.counter('registry_gateway_settlements_total', 'Changes brought to the gateway.', [
    'result',
  ])
  const calls = metrics.counter('registry_public_calls_total', 'Public calls, by what they were answered.', [
    'result',
  ])
  const changed = (change: string, caller: Caller, facts: Record<string, unknown>) => {
    changes.inc({ change })
    log.info({ ...facts, caller: callerLabel(caller) }, change)
  }
  return {
    workflowCreated: (caller: Caller, workflow: { id: string; projectId: string }) =>
      changed('workflow created', caller, { workflow_id: workflow.id, project_id: workflow.projectId }),
    workflowDeleted: (caller: Caller, id: string) => changed('workflow deleted', caller, { workflow_id: id }),
    interfaceCreated: (caller: Caller, id: string) =>
      changed('interface created', caller, { interface_id: id }),
    interfaceUpdated: (caller: Caller, id: string) =>
      changed('interface updated', caller, { interface_id: id }),
    interfaceDeleted: (caller: Caller, id: string) =>
      changed('interface deleted', caller, { interface_id: id }),
    interfacePublished(id: string) {
      settled.inc({ result: 'published' })
      log.info({ public_interface_id: id }, 'interface published')
    },
    interfaceWithdrawn(id: string) {
      settled.inc({ result: 'withdrawn' })
      log.info({ public_interface_id: id }, 'interface withdrawn from the gateway')
    },
    settlingFailed(id: string, error: unknown) {
      settled.inc({ result: 'failed' })
      log.warn({ public_interface_id: id, err: error }, 'a change has not reached the gateway yet')
    },
    reconcileFailed(error: unknown) {
      settled.inc({ result: 'failed' })
      log.warn({ err: error }, 'the gateway could not be compared with our interfaces')
    },
    leading: (leads: boolean) => log.info({ leads }, 'gateway leadership changed'),
    callAnswered: (result: string) => calls.inc({ result }),
  }
}

export type RegistryEvents = ReturnType<typeof createEvents>
