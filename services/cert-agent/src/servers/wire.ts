import type { Server } from '@opsconductor/contracts'
import type { StoredServer } from './store.ts'

export const toServerWire = (server: StoredServer): Server => ({
  id: server.id,
  project_id: server.projectId,
  name: server.name,
  host: server.host,
  port: server.port,
  credential_id: server.credentialId,
  via: server.via,
  sudo: server.sudo,
  nginx: server.nginx,
  keep_versions: server.keepVersions,
  created_by: server.createdBy,
  created_at: server.createdAt.toISOString(),
  updated_at: server.updatedAt.toISOString(),
})
