import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Express } from 'express'

const projectPath = /^\/api\/projects\/([0-9a-f-]{36})(?:\/|$)/

/** `/api/projects/{id}/…` names the project as X-Project-Id does elsewhere, so that the header may be left out. */
export function takeProjectFromPath(app: Express): void {
  app.use((request, _response, next) => {
    const id = projectPath.exec(request.path)?.[1]
    if (id !== undefined) request.headers['x-project-id'] ??= id
    next()
  })
}

/** The project of the path; throws `not_found` where it is not the one that the caller's rights were checked for. */
export function assertCallersProject(caller: Caller, id: string): string {
  if (caller.projectId !== id) throw new AppError('not_found', 'There is no such project.')
  return id
}
