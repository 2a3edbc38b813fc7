import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { assertCallersProject } from '../projects/project-in-path.ts'
import { assertOwnerRules } from './owner-rules.ts'

/** Ends a membership, and with it the member's keys of the project. */
export async function removeMember(
  { members, events }: Pick<Deps, 'members' | 'events'>,
  caller: Caller,
  { projectId, userId }: { projectId: string; userId: string },
): Promise<void> {
  await members.change(assertCallersProject(caller, projectId), async (project) => {
    const before = await project.roleOf(userId)
    if (before === undefined) throw new AppError('not_found', 'There is no such member.')
    await assertOwnerRules(project, caller, userId, { before, after: undefined })
    await project.remove(userId)
  })
  events.memberChanged({ projectId, userId, role: null }, caller)
}
