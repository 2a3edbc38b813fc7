import type { Bastion } from '@opsconductor/contracts'
import type { BastionRecord } from './store.ts'

export const toBastionWire = (bastion: BastionRecord): Bastion => ({
  id: bastion.id,
  project_id: bastion.projectId,
  name: bastion.name,
  host: bastion.host,
  port: bastion.port,
  credential: bastion.credential,
  description: bastion.description,
  created_by: bastion.createdBy,
  created_at: bastion.createdAt.toISOString(),
  updated_at: bastion.updatedAt.toISOString(),
})
