import { connectorKinds } from '@opsconductor/contracts'
import type { Logger, Metrics } from '@opsconductor/service-kit'
import type { BegunCheck, ConnectorCount, Verdict } from './store.ts'

/** What happens in the checks of connectors; no metric names a connector or a project. */
export function createMonitoringEvents(log: Logger, metrics: Metrics) {
  const gauges = {
    ok: metrics.gauge('connector_up', 'Connectors in use that their last check found well.', ['kind']),
    failing: metrics.gauge('connector_failing', 'Connectors in use that their last check found failing.', [
      'kind',
    ]),
    unknown: metrics.gauge('connector_unknown', 'Connectors in use of which no check has found anything.', [
      'kind',
    ]),
  }
  const checks = metrics.counter('connector_checks_total', 'Checks of connectors, by kind and outcome.', [
    'kind',
    'outcome',
  ])
  const checkSeconds = metrics.histogram(
    'connector_check_duration_seconds',
    'Time of a check of a connector, by kind.',
    ['kind'],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
  )
  const factsOf = ({ connectorId, projectId, checkId, kind }: BegunCheck) => ({
    connector_id: connectorId,
    project_id: projectId,
    check_id: checkId,
    kind,
  })

  return {
    connectorChecked(check: BegunCheck, { status, code }: Verdict, seconds: number) {
      checks.inc({ kind: check.kind, outcome: code ?? status })
      checkSeconds.observe({ kind: check.kind }, seconds)
      log.debug({ ...factsOf(check), status, code }, 'connector checked')
    },
    connectivityChanged(check: BegunCheck, { status, code }: Verdict) {
      log.info({ ...factsOf(check), status, code }, 'the connectivity of a connector changed')
    },
    connectorNotChecked(check: BegunCheck, error: unknown) {
      checks.inc({ kind: check.kind, outcome: 'unavailable' })
      log.warn({ ...factsOf(check), err: error }, 'a connector could not be checked; tried again')
    },
    connectorCheckBroke(check: BegunCheck, error: unknown) {
      log.error({ ...factsOf(check), err: error }, 'the check of a connector broke')
    },
    connectorsNotSeen(error: unknown) {
      log.warn({ err: error }, 'which connectors there are could not be read; tried again')
    },
    connectorsCounted(counts: readonly ConnectorCount[]) {
      for (const gauge of Object.values(gauges)) for (const kind of connectorKinds) gauge.set({ kind }, 0)
      for (const { kind, status, connectors } of counts) gauges[status].set({ kind }, connectors)
    },
  }
}
