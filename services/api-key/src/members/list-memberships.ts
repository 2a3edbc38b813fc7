import type { Memberships } from '@opsconductor/contracts'
import type { MemberStore } from './store.ts'

/** What other services ask: nobody has no memberships. */
export async function listMemberships(
  { members }: { members: Pick<MemberStore, 'membershipsOf'> },
  userId: string,
): Promise<Memberships> {
  return (await members.membershipsOf(userId)) ?? { is_platform_admin: false, items: [] }
}
