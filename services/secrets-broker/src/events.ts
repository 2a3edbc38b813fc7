import type { InternalRefusal, Logger, Metrics } from '@opsconductor/service-kit'
import type { Access } from './access-log/access.ts'

/** One function per business event: its log line and its counter. Rows of the access log are record-access.ts's part. */
export function createEvents(log: Logger, metrics: Metrics) {
  const lookups = metrics.counter('secrets_credential_lookups_total', 'Total credential lookups')
  const lookupFailures = metrics.counter('secrets_credential_lookup_failures_total', 'Failed lookups')
  const upserts = metrics.counter('secrets_credential_upserts_total', 'Total credential creates/updates')
  const encryptionErrors = metrics.counter(
    'secrets_encryption_errors_total',
    'Encryption/decryption failures',
  )
  const refusals = metrics.counter(
    'secrets_unauthorized_requests_total',
    'Internal requests without a valid key, or of a service that the endpoint is not for',
  )

  return {
    accessed(access: Access) {
      const failed = access.error !== undefined
      if (access.type === 'read') lookups.inc()
      if (access.type === 'read' && failed) lookupFailures.inc()
      if ((access.type === 'create' || access.type === 'update') && !failed) upserts.inc()
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
      else log.info(line, 'credential access')
    },
    refused({ endpoint, caller, clientAddress, error }: InternalRefusal) {
      refusals.inc()
      log.warn(
        { route: endpoint.path, caller, client_address: clientAddress, code: error.code },
        'internal request refused',
      )
    },
    refusalNotLogged(error: unknown) {
      log.error({ err: error }, 'a refused internal request could not be written to the access log')
    },
    encryptionFailed(facts: { keyUse: string; keyId: string; reason: string }) {
      encryptionErrors.inc()
      log.error({ key_use: facts.keyUse, key_id: facts.keyId, reason: facts.reason }, 'decryption failed')
    },
  }
}

export type Events = ReturnType<typeof createEvents>
