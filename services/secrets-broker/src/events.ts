import { type KeyRotation, type RotationProof, serviceNames } from '@opsconductor/contracts'
import type { InternalRefusal, Logger, Metrics } from '@opsconductor/service-kit'
import type { Access } from './access-log/access.ts'
import type { ChainHead } from './access-log/chain.ts'
import type { ExpiryNotice, UnsentNotice } from './expiry/store.ts'

const operator = 'operator'
/** For metrics: users and API keys are too many to be a label. */
const publicApi = 'public-api'
const internalCallers: ReadonlySet<string> = new Set([...serviceNames, operator])
const readerOf = (by: string | undefined): string =>
  by !== undefined && internalCallers.has(by) ? by : publicApi

/** One function per business event: its log line and its counter. Rows of the access log are record-access.ts's part. */
export function createEvents(log: Logger, metrics: Metrics) {
  const lookups = metrics.counter('secrets_credential_lookups_total', 'Total credential lookups')
  const lookupFailures = metrics.counter('secrets_credential_lookup_failures_total', 'Failed lookups')
  const upserts = metrics.counter('secrets_credential_upserts_total', 'Total credential creates/updates')
  const encryptionErrors = metrics.counter(
    'secrets_encryption_errors_total',
    'Encryption/decryption failures',
  )
  const tests = metrics.counter('secrets_credential_tests_total', 'Tests of credentials, by outcome', [
    'code',
  ])
  const refusals = metrics.counter(
    'secrets_unauthorized_requests_total',
    'Internal requests without a valid key',
  )
  const unexpected = metrics.counter(
    'secrets_unexpected_service_requests_total',
    'Internal requests of a service, with its own key, that the endpoint is not for',
    ['accessed_by'],
  )
  const readsByService = metrics.counter(
    'secrets_credential_reads_by_service_total',
    'Credentials that were read, by the service that asked; public-api: people and programs',
    ['accessed_by'],
  )
  // A series that begins with its first event shows no increase by it.
  for (const service of serviceNames) unexpected.inc({ accessed_by: service }, 0)
  for (const reader of [...serviceNames, operator, publicApi]) readsByService.inc({ accessed_by: reader }, 0)

  const notifications = metrics.counter(
    'secrets_notifications_total',
    'Notifications of what expires: sent, failed (and tried again), or obsolete before they could be sent',
    ['outcome'],
  )
  for (const outcome of ['sent', 'failed', 'obsolete']) notifications.inc({ outcome }, 0)
  const notified = ({ id, credentialId, projectId, name, kind, dueAt }: UnsentNotice) => ({
    notification_id: id,
    credential_id: credentialId,
    project_id: projectId,
    host: name,
    kind,
    due_at: dueAt.toISOString(),
  })

  const rotated = metrics.counter('secrets_key_rotations_total', 'Master key rotations that were completed')
  const stuck = metrics.counter(
    'secrets_key_rotation_errors_total',
    'Times that a master key rotation could not get on and was put off',
  )

  return {
    rotationCompleted({ id, key_use, from_key_id, to_key_id }: KeyRotation, proof: RotationProof) {
      rotated.inc()
      log.info(
        { rotation_id: id, key_use, from_key_id, to_key_id, ...proof },
        'master key rotation completed',
      )
    },
    rotationStuck(id: string, error: unknown) {
      stuck.inc()
      log.error({ rotation_id: id, err: error }, 'master key rotation put off')
    },
    keysNotLoaded(error: unknown) {
      log.error({ err: error }, 'the master keys could not be read again')
    },
    accessed(access: Access) {
      const failed = access.error !== undefined
      if (access.type === 'read') lookups.inc()
      if (access.type === 'read' && failed) lookupFailures.inc()
      if (access.type === 'read' && !failed) readsByService.inc({ accessed_by: readerOf(access.by) })
      if ((access.type === 'create' || access.type === 'update') && !failed && !access.isTrust) upserts.inc()
      const line = {
        access_type: access.type,
        host: access.host,
        purpose: access.purpose,
        accessed_by: access.by,
        credential_id: access.credentialId ?? access.credentialUuid,
        project_id: access.projectId,
        run_id: access.runId,
        step_id: access.stepId,
        ...(failed ? { error: access.error } : {}),
      }
      if (failed) log.warn(line, 'credential access failed')
      else log.debug(line, 'credential access')
    },
    credentialTested(facts: { projectId: string; credentialId: string; askedBy: string; code: string }) {
      tests.inc({ code: facts.code })
      log.info(
        {
          project_id: facts.projectId,
          credential_id: facts.credentialId,
          by: facts.askedBy,
          code: facts.code,
        },
        'credential tested',
      )
    },
    credentialExpiring({ credentialId, projectId, name, kind, dueAt, withinDays }: ExpiryNotice) {
      log.warn(
        {
          credential_id: credentialId,
          project_id: projectId,
          host: name,
          kind,
          due_at: dueAt.toISOString(),
          within_days: withinDays,
        },
        kind === 'rotation' ? 'credential due for rotation' : 'credential expires',
      )
    },
    expiryNotified(notice: UnsentNotice) {
      notifications.inc({ outcome: 'sent' })
      log.info(notified(notice), 'notification sent')
    },
    expiryNotNotified(notice: UnsentNotice, error: unknown) {
      notifications.inc({ outcome: 'failed' })
      log.warn(
        { ...notified(notice), err: error },
        'notification not sent, and tried again at the next check',
      )
    },
    expiryNoticeObsolete(notice: UnsentNotice) {
      notifications.inc({ outcome: 'obsolete' })
      log.info(notified(notice), 'notification not needed any more')
    },
    choreFailed(chore: string, error: unknown) {
      log.error({ chore, err: error }, 'a chore failed and is done again in its time')
    },
    refused({ endpoint, caller, clientAddress, error }: InternalRefusal) {
      if (caller === undefined) refusals.inc()
      else unexpected.inc({ accessed_by: caller })
      log.warn(
        { route: endpoint.path, caller, client_address: clientAddress, code: error.code },
        'internal request refused',
      )
    },
    refusalNotLogged(error: unknown) {
      log.error({ err: error }, 'a refused internal request could not be written to the access log')
    },
    accessLogHead({ lastId, hash }: ChainHead) {
      log.info({ access_log_head: `${lastId}:${hash}` }, 'head of the access log')
    },
    encryptionFailed(facts: { keyUse: string; keyId: string; reason: string }) {
      encryptionErrors.inc()
      log.error({ key_use: facts.keyUse, key_id: facts.keyId, reason: facts.reason }, 'decryption failed')
    },
  }
}

export type Events = ReturnType<typeof createEvents>
