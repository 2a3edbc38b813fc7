import type { User as UserContract } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { User } from './store.ts'

export const userToWire = (user: User): z.input<typeof UserContract> => ({
  id: user.id,
  email: user.email,
  display_name: user.displayName,
  is_active: user.isActive,
  is_platform_admin: user.isPlatformAdmin,
  created_at: user.createdAt.toISOString(),
  updated_at: user.updatedAt.toISOString(),
})
