import type { Connector } from '@opsconductor/contracts'
import type { ConnectorRecord } from './store.ts'

/** A connector as the project sees it. Of a shared one it need not know which credential of the other project opens it. */
export const connectorToWire =
  (projectId: string) =>
  (connector: ConnectorRecord): Connector => {
    const isShared = connector.projectId !== projectId
    return {
      id: connector.id,
      project_id: connector.projectId,
      name: connector.name,
      display_name: connector.displayName,
      description: connector.description,
      kind: connector.kind,
      settings: connector.settings as Connector['settings'],
      credential_id: isShared ? null : connector.credentialId,
      has_credentials: connector.hasCredentials,
      encryption_key_id: isShared ? null : connector.encryptionKeyId,
      is_active: connector.isActive,
      check_every_seconds: connector.checkEverySeconds,
      connectivity: {
        status: connector.status,
        latency_ms: connector.latencyMs,
        checked_at: connector.checkedAt?.toISOString() ?? null,
        last_success_at: connector.lastSuccessAt?.toISOString() ?? null,
        failures: connector.failures,
        code: connector.code,
        reason: connector.reason,
      },
      is_shared: isShared,
      created_by: connector.createdBy,
      created_at: connector.createdAt.toISOString(),
      updated_at: connector.updatedAt.toISOString(),
    }
  }
