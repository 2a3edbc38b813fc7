import { type Caller, callerLabel } from '@opsconductor/auth'
import type { Logger, Metrics } from '@opsconductor/service-kit'
import { createMonitoringEvents } from './monitoring/monitoring-events.ts'
import { createProjectConnectorEvents } from './project-connectors/project-connector-events.ts'

/** One function per business event: its log line and its counter in one place. */
export function createEvents(log: Logger, metrics: Metrics) {
  const changes = metrics.counter('registry_changes_total', 'Workflows, interfaces and connectors changed.', [
    'change',
  ])
  const settled = metrics.counter('registry_gateway_settlements_total', 'Changes brought to the gateway.', [
    'result',
  ])
  const calls = metrics.counter('registry_public_calls_total', 'Public calls, by what they were answered.', [
    'result',
  ])
  const uses = metrics.counter('registry_connector_uses_total', 'Connectors asked for by the broker.', [
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
    connectorCreated: (caller: Caller, connector: { id: string }) =>
      changed('connector created', caller, { connector_id: connector.id }),
    connectorUpdated: (caller: Caller, connector: { id: string }) =>
      changed('connector updated', caller, { connector_id: connector.id }),
    connectorDeleted: (caller: Caller, connector: { id: string }) =>
      changed('connector deleted', caller, { connector_id: connector.id }),
    connectorShared: (caller: Caller, connector: { id: string }, projectId: string) =>
      changed('connector shared', caller, { connector_id: connector.id, project_id: projectId }),
    connectorUnshared: (caller: Caller, connector: { id: string }, projectId: string) =>
      changed('connector unshared', caller, { connector_id: connector.id, project_id: projectId }),
    /** The broker asked for what opens it; `refusal` undefined: and got it. */
    connectorUsed(id: string, refusal: string | undefined) {
      uses.inc({ result: refusal === undefined ? 'allowed' : 'refused' })
      if (refusal !== undefined) log.warn({ connector_id: id, refusal }, 'a connector was not given')
    },
    projectRetired(projectId: string) {
      changes.inc({ change: 'project retired' })
      log.info({ project_id: projectId }, 'project retired')
    },
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
    leading: (leads: boolean) => log.info({ leads }, 'leadership changed'),
    callAnswered: (result: string) => calls.inc({ result }),
    ...createMonitoringEvents(log, metrics),
    ...createProjectConnectorEvents(log, metrics),
  }
}

export type RegistryEvents = ReturnType<typeof createEvents>
