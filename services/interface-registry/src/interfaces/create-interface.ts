import type { Caller } from '@opsconductor/auth'
import { type CreateInterface, getJobVersionEndpoint } from '@opsconductor/contracts'
import { isForeignKeyViolation, refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type { JsonSchemaDocument } from '@opsconductor/json-schema'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { awaitSettled } from '../publishing/await-settled.ts'
import { findWorkflow } from '../workflows/find-workflow.ts'
import type { WorkflowRecord } from '../workflows/store.ts'
import { checkSchema } from './check-schema.ts'
import { withFreshHash } from './draw-hash.ts'
import { findInterface } from './find-interface.ts'
import { assertJobCallable, runReferenceSchema } from './job-callables.ts'
import { type InterfaceRecord, insertInterface, type NewInterface } from './store.ts'

type Request = z.infer<typeof CreateInterface>

/**
 * One signal, query or update of a workflow. Where it is public it is also brought to the gateway: answered as
 * `published` when a call was seen to get through in time, else as `pending`.
 */
export async function createInterface(
  deps: Deps,
  caller: Caller,
  workflowId: string,
  request: Request,
): Promise<InterfaceRecord> {
  const workflow = await findWorkflow(deps, caller, workflowId)
  if (workflow.kind === 'job') assertJobCallable(request.interface_type, request.callable_name)
  const inputSchema =
    request.input_schema ?? (await defaultInputSchema(deps, workflow, request.interface_type))
  checkSchema(inputSchema, 'body.input_schema')
  checkSchema(request.output_schema, 'body.output_schema')
  const fresh: NewInterface = {
    workflowId: workflow.id,
    name: request.name,
    displayName: request.display_name ?? request.name,
    description: request.description,
    interfaceType: request.interface_type,
    callableName: request.callable_name,
    inputSchema,
    outputSchema: request.output_schema,
  }
  const created = await insert(deps, fresh, request)
  deps.events.interfaceCreated(caller, created.id)
  if (created.face === null) return created
  await awaitSettled(deps, created.face)
  return findInterface(deps, caller, created.id)
}

async function insert(deps: Deps, fresh: NewInterface, request: Request): Promise<InterfaceRecord> {
  const face = {
    httpMethod: request.http_method,
    httpPath: request.http_path ?? `/${request.name}`,
    rateLimitPerMinute: request.rate_limit_per_minute,
  }
  try {
    return await withFreshHash(() =>
      insertInterface(deps.prisma, fresh, request.is_public ? { ...face, hash: deps.newHash() } : null),
    )
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new AppError('not_found', 'There is no such workflow (any more).')
    return refuseTaken(`The workflow has an interface named ${fresh.name}.`, {
      message: 'is taken in this workflow',
      constraint: 'workflow_id',
    })(error)
  }
}

async function defaultInputSchema(
  { internal }: Deps,
  workflow: WorkflowRecord,
  type: Request['interface_type'],
): Promise<JsonSchemaDocument | null> {
  if (workflow.kind !== 'job' || workflow.jobId === null) return null
  if (type !== 'update') return runReferenceSchema
  const job = await internal.call(
    getJobVersionEndpoint,
    { project_id: workflow.projectId, version: workflow.jobVersion ?? undefined },
    { params: { id: workflow.jobId } },
  )
  return job.input_schema
}
