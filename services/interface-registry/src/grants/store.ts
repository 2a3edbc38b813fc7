import type { CallTarget, ProjectConnectorAuth, Visibility } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { JsonSchemaDocument } from '@opsconductor/json-schema'
import type pg from 'pg'
import { z } from 'zod'
import { asProject, everyProject } from '../acting-project.ts'
import { insertAccess } from '../connectors/access-store.ts'
import type { WorkflowRecord } from '../workflows/store.ts'

/** A project connector with all that calls through it need. */
export interface CallPath
  extends Pick<
    WorkflowRecord,
    'kind' | 'jobId' | 'jobVersion' | 'workflowType' | 'taskQueue' | 'workflowId'
  > {
  id: string
  name: string
  sourceProjectId: string
  targetProjectId: string
  endpointName: string
  serviceName: string
  visibility: z.infer<typeof Visibility>
  authConfig: ProjectConnectorAuth
  isActive: boolean
  isReady: boolean
  interfaceId: string
  interfaceType: CallTarget['interface_type']
  callableName: string
  inputSchema: JsonSchemaDocument | null
  outputSchema: JsonSchemaDocument | null
}

const noSuchConnector = () => new AppError('not_found', 'There is no such project connector.')

const select = `SELECT c.id, c.name, c.source_project_id AS "sourceProjectId", c.target_project_id AS "targetProjectId",
    c.nexus_endpoint_name AS "endpointName", c.nexus_service_name AS "serviceName", c.visibility,
    c.auth_config AS "authConfig", c.is_active AS "isActive", c.state = 'ready' AS "isReady", i.id AS "interfaceId",
    i.interface_type AS "interfaceType", i.callable_name AS "callableName", i.input_schema AS "inputSchema",
    i.output_schema AS "outputSchema", w.kind, w.job_id AS "jobId", w.job_version AS "jobVersion",
    w.workflow_type AS "workflowType", w.task_queue AS "taskQueue", w.workflow_id AS "workflowId"
  FROM interface_registry.project_connectors c
  JOIN interface_registry.service_interfaces i ON i.id = c.target_interface_id
  JOIN interface_registry.workflows w ON w.id = c.target_service_id
  WHERE c.state <> 'deleting' AND `

/** Whose it is and who may use it is judged by the caller: it may be public, or shared with the project that asks. */
export const selectCallPath = (pool: pg.Pool, id: string): Promise<CallPath> =>
  selectOne(pool, everyProject, 'c.id = $1', [id])

/** A name is one of the project's own. */
export const selectCallPathByName = (pool: pg.Pool, projectId: string, name: string): Promise<CallPath> =>
  selectOne(pool, projectId, 'c.source_project_id = $1 AND c.name = $2', [projectId, name])

const selectOne = (
  pool: pg.Pool,
  actingFor: string,
  condition: string,
  values: readonly string[],
): Promise<CallPath> =>
  asProject(pool, actingFor, async (client) => {
    const { rows } = await client.query<CallPath>(select + condition, [...values])
    if (rows[0] === undefined) throw noSuchConnector()
    return rows[0]
  })

export interface CallAsked {
  path: CallPath
  projectId: string
  actor: string
  runId: string
  stepId: string
  /** Why it was refused; null where it was not. */
  refusal: AppError | null
}

/** One line of the access log: of the connector's project, and of the one that calls where the connector is for it. */
export const logCallAsked = (pool: pg.Pool, { path, ...asked }: CallAsked): Promise<void> =>
  asProject(pool, asked.projectId, (client) =>
    insertAccess(client, {
      connectorId: path.id,
      connector: path.name,
      ownerProjectId: path.sourceProjectId,
      usedByProjectId: asked.projectId,
      actor: asked.actor,
      action: 'use',
      // The run of a worker of the project's own has an id of its own kind.
      runId: z.uuid().safeParse(asked.runId).success ? asked.runId : undefined,
      stepId: asked.stepId,
      success: asked.refusal === null,
      reason: asked.refusal?.message,
      isKnownToAsker: asked.refusal?.code !== 'not_found',
    }),
  )
