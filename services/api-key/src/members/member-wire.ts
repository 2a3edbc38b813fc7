import type { Member as MemberContract } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Member } from './store.ts'

export const memberToWire = (member: Member): z.input<typeof MemberContract> => ({
  project_id: member.projectId,
  user_id: member.userId,
  email: member.email,
  display_name: member.displayName,
  role: member.role,
  created_at: member.createdAt.toISOString(),
})
