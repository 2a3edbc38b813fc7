import { isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'

/** Says so, where that is what went wrong. */
export const nameIsTaken =
  (name: string) =>
  (error: unknown): never => {
    if (!isUniqueViolation(error, 'connectors_project_id_name_key')) throw error
    throw new AppError('conflict', `The project has a connector named ${name}; give another name.`, {
      errors: [{ path: 'body.name', message: 'is taken in this project' }],
    })
  }
