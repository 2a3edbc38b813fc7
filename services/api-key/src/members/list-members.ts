import type { Caller } from '@opsconductor/auth'
import type { PageQuery } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'
import { assertCallersProject } from '../projects/project-in-path.ts'
import type { Member } from './store.ts'

/** A page of the project's members, and one more where there are more. */
export async function listMembers(
  { members }: Pick<Deps, 'members'>,
  caller: Caller,
  { projectId, page }: { projectId: string; page: PageQuery },
): Promise<Member[]> {
  return members.list(assertCallersProject(caller, projectId), page)
}
