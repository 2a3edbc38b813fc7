import { Id } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'

/** The run that a `status` or `cancel` call names. Looked at here too: a project may give the interface another schema. */
export function runIdOf(input: unknown): string {
  const runId = Id.safeParse((input as { run_id?: unknown } | null)?.run_id)
  if (runId.success) return runId.data.toLowerCase()
  throw new AppError('validation_failed', 'run_id must be the id of a run', {
    errors: [{ path: 'run_id', message: 'must be the id of a run' }],
  })
}
