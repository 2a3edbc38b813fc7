import type { ApiKey as ApiKeyContract } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { ApiKey } from './store.ts'

export const keyToWire = (apiKey: ApiKey): z.input<typeof ApiKeyContract> => ({
  id: apiKey.id,
  name: apiKey.name,
  user_id: apiKey.userId,
  project_id: apiKey.projectId,
  public_interface_id: apiKey.publicInterfaceId,
  key_prefix: apiKey.keyPrefix,
  scopes: apiKey.scopes,
  is_active: apiKey.isActive,
  last_used_at: apiKey.lastUsedAt?.toISOString() ?? null,
  expires_at: apiKey.expiresAt?.toISOString() ?? null,
  created_at: apiKey.createdAt.toISOString(),
  updated_at: apiKey.updatedAt.toISOString(),
})
