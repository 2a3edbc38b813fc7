import type { Caller } from '@opsconductor/auth'
import { Id, type PageQuery } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { assertCallersProject } from '../projects/project-in-path.ts'
import type { Member } from './store.ts'

/** A page of the project's members, and one more where there are more. */
export async function listMembers(
  { members }: Pick<Deps, 'members'>,
  caller: Caller,
  { projectId, page }: { projectId: string; page: PageQuery },
): Promise<Member[]> {
  if (page.cursor !== undefined && !Id.safeParse(page.cursor).success)
    throw new AppError('invalid_request', 'The cursor is not one of ours.', {
      errors: [{ path: 'query.cursor', message: 'is not a cursor' }],
    })
  return members.list(assertCallersProject(caller, projectId), page)
}
