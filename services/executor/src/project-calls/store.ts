import type { Breaker, CallOperation, ConnectorCall, ListConnectorCalls } from '@opsconductor/contracts'
import type pg from 'pg'
import type { z } from 'zod'
import type { Prisma, PrismaClient } from '../generated/client.ts'

/** What makes a call one and the same, on both sides and over all repetitions. */
export interface CallKey {
  connectorId: string
  runId: string
  stepId: string
  item: string
  operation: CallOperation
}

export interface NewCall extends CallKey {
  connector: string
  sourceProjectId: string
  targetProjectId: string
}

export type CallEnd = {
  outcome: Exclude<ConnectorCall['outcome'], 'running'>
  code?: string
  message?: string
}

/** A call that has not come to its end on both sides. */
export interface OpenCall extends CallKey {
  sourceProjectId: string
  targetProjectId: string
  /** What serves the call and is not known to have ended. */
  targetWorkflowId: string | null
  /** Whether the caller's row says that it waits; null where the caller is a user's own worker, which writes none. */
  isAwaited: boolean | null
  /** How long it has been under way. */
  seconds: number
}

export type StoredCall = Prisma.ConnectorCallGetPayload<object>
export type StoredBreaker = Prisma.ConnectorBreakerGetPayload<object>

/** After so many failures in a row calls are suspended, and after so long one is let through to try. */
const failuresMax = 5
const suspendedSeconds = 30

const thisCall = `connector_id = $1::uuid AND source_run_id = $2 AND source_step_id = $3 AND item = $4 AND operation = $5`
const insertCall = `
  INSERT INTO executor.connector_calls
    (connector_id, source_run_id, source_step_id, item, operation, connector, source_project_id, target_project_id, side, outcome,
     target_workflow_id, error_code, error_message, finished_at)`

const sql = {
  // Of calls that come at once when the time has come, the row's lock lets one through.
  begin: `
    WITH trial AS (
      UPDATE executor.connector_breakers
      SET state = 'half_open', retry_at = now() + make_interval(secs => ${suspendedSeconds})
      WHERE connector_id = $1::uuid AND state <> 'closed' AND retry_at <= now() RETURNING connector_id
    ), suspended AS (
      SELECT retry_at FROM executor.connector_breakers
      WHERE connector_id = $1::uuid AND state <> 'closed' AND NOT EXISTS (SELECT FROM trial)
    ), call AS (
      ${insertCall}
      SELECT $1::uuid, $2, $3, $4, $5, $6, $7::uuid, $8::uuid, 'source', 'running', NULL, NULL, NULL, NULL
      WHERE NOT EXISTS (SELECT FROM suspended)
      ON CONFLICT (side, connector_id, source_run_id, source_step_id, item, operation) DO UPDATE
        SET attempts = connector_calls.attempts + 1, outcome = 'running', finished_at = NULL,
          error_code = NULL, error_message = NULL
    )
    SELECT greatest(extract(epoch FROM retry_at - now()), 1)::float8 AS seconds FROM suspended`,
  end: `
    UPDATE executor.connector_calls
    SET outcome = $6, error_code = $7, error_message = $8, finished_at = now(),
      target_workflow_id = coalesce(target_workflow_id, $9)
    WHERE ${thisCall} AND outcome = 'running' AND (side = 'source' OR $10::boolean)
    RETURNING side, extract(epoch FROM finished_at - started_at)::float8 AS seconds`,
  // A repetition that is refused leaves what is known of the call that was made.
  served: `
    ${insertCall}
    VALUES ($1::uuid, $2, $3, $4, $5, $6, $7::uuid, $8::uuid, 'target', $9::text, $10, $11, $12,
      CASE $9::text WHEN 'running' THEN NULL ELSE now() END)
    ON CONFLICT (side, connector_id, source_run_id, source_step_id, item, operation) DO UPDATE
      SET attempts = connector_calls.attempts + 1,
        outcome = excluded.outcome, error_code = excluded.error_code, error_message = excluded.error_message,
        target_workflow_id = coalesce(excluded.target_workflow_id, connector_calls.target_workflow_id),
        finished_at = excluded.finished_at
      WHERE excluded.outcome <> 'refused'`,
  pathWorks: `
    UPDATE executor.connector_breakers SET state = 'closed', failures = 0, opened_at = NULL, retry_at = NULL
    WHERE connector_id = $1::uuid AND (state <> 'closed' OR failures > 0)`,
  pathFailed: `
    INSERT INTO executor.connector_breakers AS breaker (connector_id, source_project_id, failures)
    VALUES ($1::uuid, $2::uuid, 1)
    ON CONFLICT (connector_id) DO UPDATE SET
      failures = breaker.failures + 1,
      state = CASE WHEN breaker.failures + 1 >= ${failuresMax} THEN 'open' ELSE breaker.state END,
      opened_at = CASE WHEN breaker.failures + 1 >= ${failuresMax} THEN coalesce(breaker.opened_at, now()) END,
      retry_at = CASE WHEN breaker.failures + 1 >= ${failuresMax}
        THEN now() + make_interval(secs => ${suspendedSeconds}) END
    RETURNING state`,
  serves: `
    SELECT FROM executor.connector_calls
    WHERE side = 'target' AND target_project_id = $1::uuid AND target_workflow_id = $2 AND outcome = 'running' LIMIT 1`,
  wasServed: `SELECT FROM executor.connector_calls WHERE ${thisCall} AND side = 'target'`,
  // Each has its turn, also where there are more.
  open: `
    WITH running AS (
      SELECT connector_id, source_run_id, source_step_id, item, operation FROM executor.connector_calls
      WHERE outcome = 'running' GROUP BY connector_id, source_run_id, source_step_id, item, operation
      ORDER BY random() LIMIT 500
    )
    SELECT connector_id AS "connectorId", source_run_id AS "runId", source_step_id AS "stepId", item, operation,
      min(source_project_id::text) AS "sourceProjectId", min(target_project_id::text) AS "targetProjectId",
      min(target_workflow_id) FILTER (WHERE side = 'target' AND outcome = 'running') AS "targetWorkflowId",
      bool_or(outcome = 'running') FILTER (WHERE side = 'source') AS "isAwaited",
      extract(epoch FROM now() - min(started_at) FILTER (WHERE outcome = 'running'))::float8 AS seconds
    FROM running JOIN executor.connector_calls
      USING (connector_id, source_run_id, source_step_id, item, operation)
    GROUP BY connector_id, source_run_id, source_step_id, item, operation`,
  breakers: `
    SELECT breaker.connector_id AS "connectorId", state, failures, opened_at AS "openedAt", retry_at AS "retryAt"
    FROM executor.connector_breakers breaker
    WHERE EXISTS (
      SELECT FROM executor.connector_calls call
      WHERE call.side = 'source' AND call.connector_id = breaker.connector_id AND call.source_project_id = $1::uuid)
    ORDER BY breaker.connector_id LIMIT 200`,
}

const keyOf = ({ connectorId, runId, stepId, item, operation }: CallKey) => [
  connectorId,
  runId,
  stepId,
  item,
  operation,
]
const factsOf = (call: NewCall) => [
  ...keyOf(call),
  call.connector,
  call.sourceProjectId,
  call.targetProjectId,
]

/** The rows of calls on both sides, and the breakers of connectors, which all executors share. */
export function createProjectCallStore(pool: pg.Pool, prisma: PrismaClient) {
  const query = (name: keyof typeof sql, values: unknown[]) =>
    pool.query({ name: `project-calls.${name}`, text: sql[name], values })
  return {
    /** Writes the caller's row, unless calls through the connector are suspended: answers for how many seconds. */
    async begin(call: NewCall): Promise<number | undefined> {
      const { rows } = await query('begin', factsOf(call))
      return (rows[0] as { seconds: number } | undefined)?.seconds
    },

    /**
     * Writes the end of a call for the caller, and for the target unless that has told it or is still at it; answers how
     * long it took the caller.
     */
    async end(
      call: CallKey,
      { outcome, code, message }: CallEnd,
      target: { workflowId?: string | undefined; isOver: boolean },
    ): Promise<number> {
      const values = [outcome, code ?? null, message ?? null, target.workflowId ?? null, target.isOver]
      const { rows } = await query('end', [...keyOf(call), ...values])
      return (rows as { side: string; seconds: number }[]).find(({ side }) => side === 'source')?.seconds ?? 0
    },

    /** Writes the target's row of a call: its end, or the workflow that will come to one. */
    async served(call: NewCall, end: CallEnd | { outcome: 'running' }, workflowId?: string): Promise<void> {
      const { code = null, message = null } = end as Partial<CallEnd>
      await query('served', [...factsOf(call), end.outcome, workflowId ?? null, code, message])
    },

    /** Whether the project's workflow is one that was begun for a call. */
    async serves(projectId: string, workflowId: string): Promise<boolean> {
      return (await query('serves', [projectId, workflowId])).rows.length > 0
    },

    /** Whether the target has told anything of the call. */
    async wasServed(call: CallKey): Promise<boolean> {
      return (await query('wasServed', keyOf(call))).rows.length > 0
    },

    async pathWorks(connectorId: string): Promise<void> {
      await query('pathWorks', [connectorId])
    },

    /** Counts a failure of the path; answers the breaker's state from now on. */
    async pathFailed(connectorId: string, sourceProjectId: string): Promise<Breaker['state']> {
      const { rows } = await query('pathFailed', [connectorId, sourceProjectId])
      return (rows as { state: Breaker['state'] }[])[0]?.state ?? 'closed'
    },

    /** Calls without an end. */
    async open(): Promise<OpenCall[]> {
      return (await query('open', [])).rows as OpenCall[]
    },

    /** Of the connectors through which the project has called. */
    async breakersOf(projectId: string): Promise<StoredBreaker[]> {
      return (await query('breakers', [projectId])).rows as StoredBreaker[]
    },

    /** The project's calls, and those that it served, newest first. */
    async list(
      projectId: string,
      { limit, cursor, connector_id, run_id, side }: z.infer<typeof ListConnectorCalls>,
    ): Promise<StoredCall[]> {
      return await prisma.connectorCall.findMany({
        where: {
          OR: [
            { side: 'source', sourceProjectId: projectId },
            { side: 'target', targetProjectId: projectId },
          ],
          ...(side === undefined ? {} : { side }),
          ...(connector_id === undefined ? {} : { connectorId: connector_id }),
          ...(run_id === undefined ? {} : { sourceRunId: run_id }),
        },
        take: limit + 1,
        ...(cursor === undefined ? {} : { cursor: { id: cursor }, skip: 1 }),
        orderBy: [{ startedAt: 'desc' }, { id: 'desc' }],
      })
    },
  }
}

export type ProjectCallStore = ReturnType<typeof createProjectCallStore>
