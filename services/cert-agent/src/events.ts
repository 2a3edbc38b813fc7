import { vhostStates } from '@opsconductor/contracts'
import type { Logger, Metrics } from '@opsconductor/service-kit'
import type { Counts } from './watching/certificate-store.ts'

/** One function per business event: its log line and its counter in one place. */
export function createEvents(log: Logger, metrics: Metrics) {
  const operations = metrics.counter('cert_operations_total', 'Operations, by kind and how they ended.', [
    'kind',
    'outcome',
  ])
  const renewalFailures = metrics.counter(
    'cert_renewal_failures_total',
    'Attempts at a renewal that failed, those that are tried again too.',
  )
  const probes = metrics.counter('cert_probe_total', 'Probes of virtual hosts, by what they found.', [
    'outcome',
  ])
  for (const outcome of [...vhostStates.filter((state) => state !== 'unknown'), 'unavailable'])
    probes.inc({ outcome }, 0)
  const notifications = metrics.counter(
    'cert_notifications_total',
    'Notifications: sent, failed (and tried again), or given up.',
    ['outcome'],
  )
  for (const outcome of ['sent', 'failed', 'given_up']) notifications.inc({ outcome }, 0)
  const counted = createCountGauges(metrics)
  return {
    /** An attempt at a renewal, whether or not it is tried again. */
    renewalFailed: () => renewalFailures.inc(),
    probed(vhost: { id: string; serverId: string; projectId: string }, outcome: string, code?: string) {
      probes.inc({ outcome })
      const facts = { vhost_id: vhost.id, server_id: vhost.serverId, project_id: vhost.projectId }
      log.debug({ ...facts, outcome, code }, 'virtual host probed')
    },
    notified(notification: ToldFacts) {
      notifications.inc({ outcome: 'sent' })
      log.info(toldLine(notification), 'notification sent')
    },
    notNotified(notification: ToldFacts, error: unknown, isLast: boolean) {
      notifications.inc({ outcome: isLast ? 'given_up' : 'failed' })
      log.warn({ ...toldLine(notification), err: error, given_up: isLast }, 'notification not sent')
    },
    /** What is in the database now. */
    counted,
    operationEnded(
      operation: { id: string; kind: string; projectId: string },
      outcome: 'succeeded' | 'failed' | 'cancelled',
      code?: string,
    ) {
      operations.inc({ kind: operation.kind, outcome })
      log.info({ operation_id: operation.id, kind: operation.kind, outcome, code }, 'operation ended')
    },
    operationNotStarted: (operation: { id: string; kind: string }, error: unknown) =>
      log.warn(
        { err: error, operation_id: operation.id, kind: operation.kind },
        'an operation stays queued until Temporal takes it',
      ),
    workerFailed: (error: unknown) =>
      log.warn({ err: error }, 'the worker of operations failed; it starts again'),
    renewalInfoNotHad: (certificateId: string, error: unknown) =>
      log.warn({ err: error, certificate_id: certificateId }, 'the CA did not say when to renew'),
    /** Something broke that was not foreseen; whoever asked got `internal_error`. */
    broke: (error: unknown, facts: Record<string, unknown> = {}) =>
      log.error({ err: error, ...facts }, 'certificate work broke'),
    choreFailed: (name: string, error: unknown) => log.warn({ err: error, chore: name }, 'a chore failed'),
  }
}

interface ToldFacts {
  id: string
  projectId: string
  kind: string
}

const toldLine = ({ id, projectId, kind }: ToldFacts) => ({
  notification_id: id,
  project_id: projectId,
  kind,
})

/** Every process counts all there is, so the greatest number counts. */
function createCountGauges(metrics: Metrics): (counts: Counts) => void {
  const notAfter = metrics.gauge(
    'cert_not_after_seconds',
    'When the newest version of a certificate ends, in Unix time.',
    ['certificate', 'project'],
  )
  const servedNotAfter = metrics.gauge(
    'cert_served_not_after_seconds',
    'When the certificate ends that a virtual host was seen to serve, in Unix time.',
    ['server', 'name', 'project'],
  )
  const live = metrics.gauge(
    'cert_deployment_live',
    'Whether the wished version of a certificate is live on a server.',
    ['certificate', 'server', 'project'],
  )
  const vhosts = metrics.gauge('cert_vhosts', 'Virtual hosts, by the state that they were last seen in.', [
    'state',
  ])
  const secondsOf = (at: Date): number => Math.floor(at.getTime() / 1000)
  return (counts) => {
    for (const gauge of [notAfter, servedNotAfter, live]) gauge.reset()
    for (const { notAfter: at, ...labels } of counts.certificates) notAfter.set(labels, secondsOf(at))
    for (const { notAfter: at, ...labels } of counts.served) servedNotAfter.set(labels, secondsOf(at))
    for (const { live: isLive, ...labels } of counts.deployments) live.set(labels, isLive ? 1 : 0)
    for (const state of vhostStates)
      vhosts.set({ state }, counts.vhosts.find((one) => one.state === state)?.count ?? 0)
  }
}
