import { refuseTaken } from '@opsconductor/database'

/** Says so, where that is what went wrong. */
export const nameIsTaken = (name: string) =>
  refuseTaken(`The project has a connector named ${name}; give another name.`, {
    message: 'is taken in this project',
    constraint: 'connectors_project_id_name_key',
  })
