import { type Caller, callerLabel } from '@opsconductor/auth'
import type { Logger, Metrics } from '@opsconductor/service-kit'

export function createProjectConnectorEvents(log: Logger, metrics: Metrics) {
  const changes = metrics.counter('registry_project_connector_changes_total', 'Project connectors changed.', [
    'change',
  ])
  const settled = metrics.counter(
    'registry_nexus_endpoint_settlements_total',
    'Nexus endpoints brought to what their connectors say.',
    ['result'],
  )
  const held = metrics.gauge('registry_nexus_endpoints', 'Nexus endpoints that Temporal holds.', ['owner'])
  const grants = metrics.counter('registry_call_grants_total', 'Grants asked for calls between projects.', [
    'result',
  ])
  const tests = metrics.counter('registry_project_connector_tests_total', 'Tests of project connectors.', [
    'result',
  ])
  const othersSeen = new Set<string>()
  return {
    projectConnectorChanged(change: 'created' | 'updated' | 'deleted', caller: Caller, id: string) {
      changes.inc({ change })
      log.info({ connector_id: id, caller: callerLabel(caller) }, `project connector ${change}`)
    },
    projectConnectorTested(id: string, result: string) {
      tests.inc({ result })
      log.info({ connector_id: id, result }, 'project connector tested')
    },
    endpointReady(id: string) {
      settled.inc({ result: 'ready' })
      log.info({ connector_id: id }, 'Nexus endpoint is as it should be')
    },
    endpointRemoved(id: string) {
      settled.inc({ result: 'removed' })
      log.info({ connector_id: id }, 'Nexus endpoint removed')
    },
    endpointNotSettled(id: string, error: unknown) {
      settled.inc({ result: 'failed' })
      log.warn({ connector_id: id, err: error }, 'a Nexus endpoint is not yet as it should be')
    },
    endpointsNotCompared(error: unknown) {
      settled.inc({ result: 'failed' })
      log.warn({ err: error }, 'the Nexus endpoints could not be compared with our connectors')
    },
    /** `others`: endpoints that we did not make and never touch. */
    endpointsCounted({ ours, orphans, others }: { ours: number; orphans: number; others: string[] }) {
      held.set({ owner: 'connector' }, ours)
      held.set({ owner: 'orphan' }, orphans)
      held.set({ owner: 'other' }, others.length)
      const fresh = others.filter((name) => !othersSeen.has(name))
      if (fresh.length === 0) return
      othersSeen.clear()
      for (const name of others) othersSeen.add(name)
      log.info({ endpoints: fresh.slice(0, 20), count: fresh.length }, 'Nexus endpoints that are not ours')
    },
    callGranted: () => grants.inc({ result: 'granted' }),
    callRefused(facts: { connectorId: string; projectId: string; code: string }) {
      grants.inc({ result: facts.code })
      log.warn(
        { connector_id: facts.connectorId, project_id: facts.projectId, code: facts.code },
        'a call between projects was refused',
      )
    },
  }
}
