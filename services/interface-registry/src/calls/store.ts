import { AppError } from '@opsconductor/errors'
import { compileSchema, type JsonSchemaDocument, type Validator } from '@opsconductor/json-schema'
import type pg from 'pg'

/** A public interface with all that a call of it needs. */
export interface CallTarget {
  /** The public interface's id. */
  interfaceId: string
  hash: string
  projectId: string
  httpMethod: string
  httpPath: string
  interfaceType: 'signal' | 'query' | 'update'
  callableName: string
  /** The registry's workflow. */
  workflowId: string
  kind: 'job' | 'workflow'
  jobId: string | null
  jobVersion: number | null
  /** Of a long-lived workflow: its Temporal workflow id. */
  executionId: string | null
  validateInput: Validator
  validateOutput: Validator
}

type Row = Omit<CallTarget, 'validateInput' | 'validateOutput'> & {
  inputSchema: JsonSchemaDocument | null
  outputSchema: JsonSchemaDocument | null
}

const notFound = () => new AppError('not_found', 'There is no interface at this address.')

const findTarget = {
  name: 'find-call-target',
  text: `SELECT p.id AS "interfaceId", p.hash, w.project_id AS "projectId", p.http_method AS "httpMethod",
      p.http_path AS "httpPath", i.interface_type AS "interfaceType", i.callable_name AS "callableName",
      w.id AS "workflowId", w.kind, w.job_id AS "jobId", w.job_version AS "jobVersion",
      w.workflow_id AS "executionId", i.input_schema AS "inputSchema", i.output_schema AS "outputSchema"
    FROM interface_registry.public_interfaces p
    JOIN interface_registry.service_interfaces i ON i.id = p.service_interface_id
    JOIN interface_registry.workflows w ON w.id = i.workflow_id
    WHERE p.hash = $1 AND p.state IN ('pending', 'published')`,
}

/** A pending interface is served too: what is pending is the gateway's knowledge of it, not ours. */
export async function selectTarget(pool: pg.Pool, hash: string): Promise<CallTarget> {
  if (!/^[0-9a-f]{32}$/.test(hash)) throw notFound()
  const { rows } = await pool.query<Row>({ ...findTarget, values: [hash] })
  const row = rows[0]
  if (row === undefined) throw notFound()
  const { inputSchema, outputSchema, ...target } = row
  return {
    ...target,
    validateInput: compileWhenUsed(inputSchema),
    validateOutput: compileWhenUsed(outputSchema),
  }
}

/** The hash of the body that an update was first called with: `bodyHash` where it never was. */
export async function selectFirstBody(
  pool: pg.Pool,
  { updateId, target, bodyHash }: { updateId: string; target: CallTarget; bodyHash: string },
): Promise<string> {
  const { rows } = await pool.query<{ body_hash: string }>(
    // Written also where it is there already, since RETURNING tells nothing of a row that was left alone.
    `INSERT INTO interface_registry.update_bodies AS known (update_id, public_interface_id, body_hash)
     SELECT $1, id, $3 FROM interface_registry.public_interfaces WHERE id = $2
     ON CONFLICT (update_id) DO UPDATE SET body_hash = known.body_hash RETURNING body_hash`,
    [updateId, target.interfaceId, bodyHash],
  )
  if (rows[0] === undefined) throw notFound()
  return rows[0].body_hash
}

/** Compiled at the first call, once for as long as the target is remembered. */
function compileWhenUsed(schema: JsonSchemaDocument | null): Validator {
  let validator: Validator | undefined
  return (value, root) => {
    validator ??= schema === null ? () => undefined : compile(schema)
    return validator(value, root)
  }
}

/** The schema was compiled when it was stored, so only a machine out of breath fails here. */
function compile(schema: JsonSchemaDocument): Validator {
  try {
    return compileSchema(schema)
  } catch (cause) {
    throw new AppError('service_unavailable', 'The interface is not ready; try again.', {
      cause,
      retryAfterSeconds: 2,
    })
  }
}
