import type { Vhost } from '@opsconductor/contracts'
import type { StoredVhost } from './store.ts'

// The columns hold what this service wrote in the shape of the contract.
export const toVhostWire = (vhost: StoredVhost): Vhost => ({
  id: vhost.id,
  server_id: vhost.serverId,
  names: vhost.names,
  probe_host: vhost.probeHost,
  probe_port: vhost.probePort,
  config_file: vhost.configFile,
  template: vhost.template,
  certificate_id: vhost.certificateId,
  discovered: vhost.discovered,
  state: vhost.state as Vhost['state'],
  served: vhost.served as Vhost['served'],
  probe_error: vhost.probeError as Vhost['probe_error'],
  probed_at: vhost.probedAt?.toISOString() ?? null,
  created_at: vhost.createdAt.toISOString(),
  updated_at: vhost.updatedAt.toISOString(),
})
