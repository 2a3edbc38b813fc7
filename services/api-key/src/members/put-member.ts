import type { Caller } from '@opsconductor/auth'
import type { Role } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'
import { assertCallersProject } from '../projects/project-in-path.ts'
import { assertOwnerRules } from './owner-rules.ts'
import type { Member } from './store.ts'

/** Makes the user a member with this role, or changes the role; `created` says which. */
export async function putMember(
  { members, events }: Pick<Deps, 'members' | 'events'>,
  caller: Caller,
  { projectId, userId, role }: { projectId: string; userId: string; role: Role },
): Promise<{ member: Member; created: boolean }> {
  const changed = await members.change(assertCallersProject(caller, projectId), async (project) => {
    const before = await project.roleOf(userId)
    await assertOwnerRules(project, caller, userId, { before, after: role })
    return { member: await project.put(userId, role), created: before === undefined }
  })
  events.memberChanged(changed.member, caller)
  return changed
}
