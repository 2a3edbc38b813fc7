import { runJobWorkflow } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { JsonSchemaDocument } from '@opsconductor/json-schema'
import type { InterfaceType } from './store.ts'

/** What the interfaces of a job can call, by interface type. */
const jobCallables: Record<InterfaceType, string> = {
  update: runJobWorkflow.update,
  query: runJobWorkflow.query,
  signal: runJobWorkflow.signal,
}

/** The input of a job's `status` and `cancel`: which run. */
export const runReferenceSchema: JsonSchemaDocument = {
  type: 'object',
  required: ['run_id'],
  additionalProperties: false,
  properties: { run_id: { type: 'string', format: 'uuid' } },
}

export function assertJobCallable(type: InterfaceType, callableName: string): void {
  if (jobCallables[type] === callableName) return
  const message = `must be ${jobCallables[type]}: the one ${type} of a job`
  throw new AppError('validation_failed', `body.callable_name ${message}`, {
    errors: [{ path: 'body.callable_name', message }],
  })
}
