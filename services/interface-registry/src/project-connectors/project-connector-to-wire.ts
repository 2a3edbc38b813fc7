import type { ProjectConnector } from '@opsconductor/contracts'
import type { ProjectConnectorRecord } from './store.ts'

export const projectConnectorToWire = (record: ProjectConnectorRecord): ProjectConnector => ({
  id: record.id,
  source_project_id: record.sourceProjectId,
  target_project_id: record.targetProjectId,
  target_service_id: record.targetServiceId,
  target_interface_id: record.targetInterfaceId,
  name: record.name,
  display_name: record.displayName,
  description: record.description,
  nexus_endpoint_name: record.nexusEndpointName,
  nexus_service_name: record.nexusServiceName,
  visibility: record.visibility,
  auth_config: record.authConfig,
  has_secret_auth_config: record.hasSecretAuthConfig,
  is_active: record.isActive,
  state: record.state,
  last_error: record.lastError,
  created_by: record.createdBy,
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})
