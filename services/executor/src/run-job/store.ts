import type { JobDefinition, RunFailure, RunJobInput, RunOutcome, RunStatus } from '@opsconductor/contracts'
import { JobDefinition as JobDefinitionSchema } from '@opsconductor/contracts'
import type pg from 'pg'
import type { HttpExchange } from '../http/exchange.ts'
import { toStorable } from '../json-limits.ts'

/** A run's row that has its end already. */
export interface EndedRun {
  outcome: RunOutcome
  bodyHash: string | null
}

export interface FinishedStep {
  id: string
  status: Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled'>
  output: unknown
  error: RunFailure | null
  exchanges: readonly HttpExchange[]
}

const sql = {
  openRun: `
    WITH version AS (
      SELECT v.definition FROM executor.job_versions v JOIN executor.jobs j ON j.id = v.job_id
      WHERE v.job_id = $2::uuid AND v.version = $3::int AND j.project_id = $4::uuid
    ), run AS (
      INSERT INTO executor.job_runs
        (id, job_id, job_version, project_id, status, trigger, input, workflow_id, body_hash, started_at)
      SELECT $1::uuid, $2::uuid, $3::int, $4::uuid, 'running', $5::jsonb, $6::jsonb, $7, $8, now() FROM version
      ON CONFLICT (id) DO UPDATE SET status = 'running', started_at = coalesce(job_runs.started_at, now())
        WHERE job_runs.status IN ('queued', 'running')
          AND (job_runs.project_id, job_runs.job_id, job_runs.job_version) = ($4::uuid, $2::uuid, $3::int)
      RETURNING id
    )
    SELECT version.definition, EXISTS (SELECT FROM run) AS opened FROM version`,
  endedRun: `
    SELECT status, output, error, body_hash FROM executor.job_runs
    WHERE id = $1 AND project_id = $2 AND job_id = $3 AND finished_at IS NOT NULL`,
  startStep: `
    WITH lost AS (
      UPDATE executor.job_run_steps SET status = 'failed', error = $7::jsonb, finished_at = now()
      WHERE run_id = $1::uuid AND step_id = $2 AND attempt < $5::int AND status = 'running'
    )
    INSERT INTO executor.job_run_steps
      (run_id, step_id, type, position, attempt, status, idempotency_key, started_at)
    VALUES ($1::uuid, $2, $3, $4::int, $5::int, 'running', $6, now())
    ON CONFLICT (run_id, step_id, attempt) DO UPDATE SET status = 'running', started_at = now()
    RETURNING id`,
  finishStep: `
    WITH step AS (
      UPDATE executor.job_run_steps
      SET status = $2, output = $3::jsonb, error = $4::jsonb, finished_at = now()
      WHERE id = $1::bigint AND status = 'running'
    )
    INSERT INTO executor.http_requests
      (job_run_step_id, method, url, request_headers, request_body, response_status_code, response_headers,
       response_body, response_time_ms)
    SELECT $1::bigint, * FROM jsonb_to_recordset($5::jsonb) AS exchange (
      method text, url text, "requestHeaders" jsonb, "requestBody" text, status int, "responseHeaders" jsonb,
      "responseBody" text, "responseTimeMs" int)`,
  closeRun: `
    WITH steps AS (
      UPDATE executor.job_run_steps SET status = $3, error = $5::jsonb, finished_at = now()
      WHERE run_id = $1::uuid AND status = 'running'
    )
    UPDATE executor.job_runs SET status = $3, output = $4::jsonb, error = $5::jsonb, finished_at = now()
    WHERE id = $1::uuid AND project_id = $2::uuid AND status IN ('queued', 'running')`,
}

const lostAttempt: RunFailure = {
  code: 'step_failed',
  message: 'The worker was lost while this attempt ran.',
  step_id: null,
}

type Query = (name: keyof typeof sql, values: unknown[]) => Promise<{ rows: unknown[] }>

/** The statements of a running job, prepared once per connection: every run and every step waits for them. */
export function createRunJobStore(pool: pg.Pool) {
  const query: Query = (name, values) => pool.query({ name: `run-job.${name}`, text: sql[name], values })
  return { ...runRows(query), ...stepRows(query) }
}

export type RunJobStore = ReturnType<typeof createRunJobStore>

function runRows(query: Query) {
  return {
    /** Writes the run's row. Undefined where the project has no such job version; `opened` false where the run has ended. */
    async openRun(
      projectId: string,
      input: RunJobInput,
      workflowId: string,
    ): Promise<{ definition: JobDefinition; opened: boolean } | undefined> {
      const { rows } = await query('openRun', [
        input.run_id,
        input.job_id,
        input.version,
        projectId,
        JSON.stringify(input.trigger),
        JSON.stringify(input.input),
        workflowId,
        input.body_hash,
      ])
      const [row] = rows as { definition: unknown; opened: boolean }[]
      return row && { definition: JobDefinitionSchema.parse(row.definition), opened: row.opened }
    },

    async findEndedRun(projectId: string, runId: string, jobId: string): Promise<EndedRun | undefined> {
      const { rows } = await query('endedRun', [runId, projectId, jobId])
      const [row] = rows as { status: string; output: unknown; error: unknown; body_hash: string | null }[]
      if (row === undefined) return undefined
      const { status, output, error } = row
      const end = status === 'succeeded' ? { output } : { error }
      return { outcome: { run_id: runId, status, ...end } as RunOutcome, bodyHash: row.body_hash }
    },

    async closeRun(projectId: string, outcome: RunOutcome): Promise<void> {
      const [output, error] =
        outcome.status === 'succeeded'
          ? [JSON.stringify(toStorable(outcome.output)), null]
          : [null, JSON.stringify(outcome.error)]
      await query('closeRun', [outcome.run_id, projectId, outcome.status, output, error])
    },
  }
}

function stepRows(query: Query) {
  return {
    /** The attempt's row id. Earlier attempts that never came to an end are marked as lost. */
    async startStep(step: {
      runId: string
      stepId: string
      type: string
      position: number
      attempt: number
      idempotencyKey: string
    }): Promise<string> {
      const { rows } = await query('startStep', [
        step.runId,
        step.stepId,
        step.type,
        step.position,
        step.attempt,
        step.idempotencyKey,
        JSON.stringify({ ...lostAttempt, step_id: step.stepId }),
      ])
      return (rows as { id: string }[])[0]?.id as string
    },

    /** The attempt's end and its exchanges. Everything given is free of secrets and storable. */
    async finishStep({ id, status, output, error, exchanges }: FinishedStep): Promise<void> {
      await query('finishStep', [
        id,
        status,
        jsonOrNull(output),
        jsonOrNull(error),
        JSON.stringify(exchanges),
      ])
    },
  }
}

const jsonOrNull = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))
