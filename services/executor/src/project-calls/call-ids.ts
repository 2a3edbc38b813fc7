import type { CallGrant } from '@opsconductor/contracts'
import { idFor } from '@opsconductor/service-kit'

/** The same over all repetitions of a call, and no other's: of the run, the workflow, the update or the signal it makes. */
export const callIdOf = ({
  connector_id,
  source_project_id,
  run_id,
  step_id,
  item,
  operation,
}: CallGrant): string => idFor('connector', connector_id, source_project_id, run_id, step_id, item, operation)
