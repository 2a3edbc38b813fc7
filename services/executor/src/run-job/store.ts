import type {
  JobDefinition,
  RunFailure,
  RunJobInput,
  RunOutcome,
  RunStatus,
  StepStatus,
} from '@opsconductor/contracts'
import { Id, JobDefinition as JobDefinitionSchema } from '@opsconductor/contracts'
import type pg from 'pg'
import type { HttpExchange } from '../http/exchange.ts'
import { toStorable } from '../json-limits.ts'

/** A run's row that has its end already. */
export interface EndedRun {
  outcome: RunOutcome
  bodyHash: string | null
}

export interface BegunStep {
  runId: string
  stepId: string
  type: string
  position: number
  attempt: number
  idempotencyKey: string
  item: string
}

export interface FinishedStep {
  id: string
  status: Extract<RunStatus, 'succeeded' | 'failed' | 'cancelled'>
  output: unknown
  error: RunFailure | null
  exchanges: readonly HttpExchange[]
}

/** The whole of an attempt that no row was begun for: of a step that ended within a moment. */
export interface RecordedStep extends BegunStep, Omit<FinishedStep, 'id'> {
  /** How long it took. */
  seconds: number
  /** Of `performance.now()`. */
  endedAtMs: number
}

/** `steps`: with their ids and exchanges. */
const insertExchanges = (steps: string, exchanges: string) => `
    INSERT INTO executor.http_requests
      (job_run_step_id, method, url, request_headers, request_body, response_status_code, response_headers,
       response_body, response_time_ms, tls_unverified)
    SELECT step.id, method, url, "requestHeaders", "requestBody", exchange.status, "responseHeaders",
      "responseBody", "responseTimeMs", coalesce("isTlsUnverified", false)
    FROM ${steps}, jsonb_to_recordset(${exchanges}::jsonb) AS exchange (
      method text, url text, "requestHeaders" jsonb, "requestBody" text, status int, "responseHeaders" jsonb,
      "responseBody" text, "responseTimeMs" int, "isTlsUnverified" boolean)`

/** Common table expressions that write the steps which the parameter lists, and their exchanges. */
const recordSteps = (steps: string) => `
    recorded AS (
      SELECT * FROM jsonb_to_recordset(${steps}::jsonb) AS step (
        "runId" uuid, "stepId" text, type text, position int, attempt int, status text, "idempotencyKey" text,
        item text, output jsonb, error jsonb, seconds float8, "agoSeconds" float8, exchanges jsonb)
    ), step AS (
      INSERT INTO executor.job_run_steps
        (run_id, step_id, type, position, attempt, status, idempotency_key, item, output, error, started_at, finished_at)
      SELECT "runId", "stepId", type, position, attempt, status, "idempotencyKey", item, output, error,
        now() - make_interval(secs => seconds + "agoSeconds"), now() - make_interval(secs => "agoSeconds")
      FROM recorded
      ON CONFLICT (run_id, step_id, item, attempt) DO UPDATE
        SET status = excluded.status, output = excluded.output, error = excluded.error,
          finished_at = excluded.finished_at
      RETURNING id, idempotency_key, attempt
    ), exchange AS (
      ${insertExchanges(
        'step JOIN recorded ON (step.idempotency_key, step.attempt) = (recorded."idempotencyKey", recorded.attempt)',
        'recorded.exchanges',
      )}
    )`

const closeRun = (recorded: string) => `
    WITH ${recorded} run AS (
      UPDATE executor.job_runs SET status = $3, output = $4::jsonb, error = $5::jsonb, finished_at = now()
      WHERE id = $1::uuid AND project_id = $2::uuid AND workflow_id = $6 AND status IN ('queued', 'running')
      RETURNING id
    ), unfinished AS (
      DELETE FROM executor.artefacts WHERE run_id IN (SELECT id FROM run) AND completed_at IS NULL
    )
    UPDATE executor.job_run_steps SET status = $3, error = $5::jsonb, finished_at = now()
    WHERE run_id IN (SELECT id FROM run) AND status = 'running'`

const sql = {
  openRun: `
    WITH version AS (
      SELECT v.definition FROM executor.job_versions v JOIN executor.jobs j ON j.id = v.job_id
      WHERE v.job_id = $2::uuid AND v.version = $3::int AND j.project_id = $4::uuid
    ), run AS (
      INSERT INTO executor.job_runs
        (id, job_id, job_version, project_id, status, trigger, input, workflow_id, body_hash, parent_run_id, started_at)
      SELECT $1::uuid, $2::uuid, $3::int, $4::uuid, 'running', $5::jsonb, $6::jsonb, $7, $8,
        (SELECT id FROM executor.job_runs WHERE id = $9::uuid AND project_id = $4::uuid), now() FROM version
      ON CONFLICT (id) DO UPDATE SET status = 'running', started_at = coalesce(job_runs.started_at, now())
        WHERE job_runs.status IN ('queued', 'running')
          AND (job_runs.project_id, job_runs.job_id, job_runs.job_version, job_runs.workflow_id)
            = ($4::uuid, $2::uuid, $3::int, $7)
      RETURNING id
    )
    SELECT version.definition, EXISTS (SELECT FROM run) AS opened FROM version`,
  findJob: `
    SELECT j.id, v.version, v.definition FROM executor.jobs j
    JOIN executor.job_versions v ON v.job_id = j.id AND v.version = coalesce($3::int, j.latest_version)
    WHERE j.project_id = $1::uuid AND (j.id::text = lower($2) OR j.name = $2)
    ORDER BY j.id::text = lower($2) DESC LIMIT 1`,
  definitionOfRun: `
    SELECT v.definition FROM executor.job_runs r
    JOIN executor.job_versions v ON v.job_id = r.job_id AND v.version = r.job_version
    WHERE r.id = $2::uuid AND r.project_id = $1::uuid`,
  endedRun: `
    SELECT status, output, error, body_hash FROM executor.job_runs
    WHERE id = $1 AND project_id = $2 AND job_id = $3 AND finished_at IS NOT NULL`,
  startStep: `
    WITH lost AS (
      UPDATE executor.job_run_steps SET status = 'failed', error = $7::jsonb, finished_at = now()
      WHERE run_id = $1::uuid AND step_id = $2 AND item = $8 AND attempt < $5::int AND status = 'running'
    )
    INSERT INTO executor.job_run_steps
      (run_id, step_id, type, position, attempt, status, idempotency_key, item, started_at)
    VALUES ($1::uuid, $2, $3, $4::int, $5::int, 'running', $6, $8, now())
    ON CONFLICT (run_id, step_id, item, attempt) DO UPDATE SET status = 'running', started_at = now()
    RETURNING id`,
  // Of a step that is no activity. It may be skipped before it began.
  endStep: `
    INSERT INTO executor.job_run_steps
      (run_id, step_id, type, position, attempt, status, idempotency_key, item, output, error, started_at, finished_at)
    VALUES ($1::uuid, $2, $3, $4::int, 1, $5::text, $6, $7, $8::jsonb, $9::jsonb, CASE $5::text WHEN 'skipped' THEN NULL ELSE now() END, now())
    ON CONFLICT (run_id, step_id, item, attempt) DO UPDATE
      SET status = $5::text, output = $8::jsonb, error = $9::jsonb, finished_at = now()
    RETURNING extract(epoch FROM finished_at - started_at)::float8 AS seconds`,
  sayProgress: `UPDATE executor.job_run_steps SET progress = $2::jsonb WHERE id = $1::bigint AND status = 'running'`,
  finishStep: `
    WITH step AS (
      UPDATE executor.job_run_steps
      SET status = $2, output = $3::jsonb, error = $4::jsonb, finished_at = now()
      WHERE id = $1::bigint AND status = 'running'
    )
    ${insertExchanges('(SELECT $1::bigint AS id) step', '$5')}`,
  recordSteps: `WITH ${recordSteps('$1')} SELECT`,
  closeRun: closeRun(''),
  closeRunWithSteps: closeRun(`${recordSteps('$7')},`),
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
        input.parent?.run_id ?? null,
      ])
      const [row] = rows as { definition: unknown; opened: boolean }[]
      return row && { definition: JobDefinitionSchema.parse(row.definition), opened: row.opened }
    },

    /** The job's version, the latest where none is named; `job` is its id or its name. */
    async findJob(
      projectId: string,
      job: string,
      version: number | undefined,
    ): Promise<{ id: string; version: number; definition: JobDefinition } | undefined> {
      const { rows } = await query('findJob', [projectId, job, version ?? null])
      const [row] = rows as { id: string; version: number; definition: unknown }[]
      return row && { ...row, definition: JobDefinitionSchema.parse(row.definition) }
    },

    /** Of the job version that the run is pinned to. */
    async definitionOfRun(projectId: string, runId: string): Promise<JobDefinition | undefined> {
      const { rows } = await query('definitionOfRun', [projectId, runId])
      const [row] = rows as { definition: unknown }[]
      return row && JobDefinitionSchema.parse(row.definition)
    },

    async findEndedRun(projectId: string, runId: string, jobId: string): Promise<EndedRun | undefined> {
      const { rows } = await query('endedRun', [runId, projectId, jobId])
      const [row] = rows as { status: string; output: unknown; error: unknown; body_hash: string | null }[]
      if (row === undefined) return undefined
      const { status, output, error } = row
      const end = status === 'succeeded' ? { output } : { error }
      return { outcome: { run_id: runId, status, ...end } as RunOutcome, bodyHash: row.body_hash }
    },

    /** Of the run that this workflow opened, and no other's; `steps`: those of it that are not written yet. */
    async closeRun(
      projectId: string,
      outcome: RunOutcome,
      workflowId: string,
      steps: readonly RecordedStep[],
    ): Promise<void> {
      // Whoever started the workflow named it.
      if (!Id.safeParse(outcome.run_id).success) return
      const [output, error] =
        outcome.status === 'succeeded'
          ? [JSON.stringify(toStorable(outcome.output)), null]
          : [null, JSON.stringify(outcome.error)]
      const values = [outcome.run_id, projectId, outcome.status, output, error, workflowId]
      if (steps.length === 0) await query('closeRun', values)
      else await query('closeRunWithSteps', [...values, recorded(steps)])
    },
  }
}

function stepRows(query: Query) {
  return {
    /** The attempt's row id. Earlier attempts that never came to an end are marked as lost. */
    async startStep(step: BegunStep): Promise<string> {
      const { rows } = await query('startStep', [
        step.runId,
        step.stepId,
        step.type,
        step.position,
        step.attempt,
        step.idempotencyKey,
        JSON.stringify({ ...lostAttempt, step_id: step.stepId }),
        step.item,
      ])
      return (rows as { id: string }[])[0]?.id as string
    },

    /** Writes the end of a step that is no activity, and the step where it has no row; answers how many seconds it ran. */
    async endStep(step: {
      runId: string
      stepId: string
      type: string
      position: number
      idempotencyKey: string
      item: string
      status: StepStatus
      output: unknown
      error: RunFailure | null
    }): Promise<number | null> {
      const { rows } = await query('endStep', [
        step.runId,
        step.stepId,
        step.type,
        step.position,
        step.status,
        step.idempotencyKey,
        step.item,
        jsonOrNull(step.output),
        jsonOrNull(step.error),
      ])
      return (rows as { seconds: number | null }[])[0]?.seconds ?? null
    },

    async sayProgress(id: string, progress: unknown): Promise<void> {
      await query('sayProgress', [id, JSON.stringify(progress)])
    },

    async recordSteps(steps: readonly RecordedStep[]): Promise<void> {
      await query('recordSteps', [recorded(steps)])
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

const recorded = (steps: readonly RecordedStep[]): string =>
  JSON.stringify(
    steps.map(({ endedAtMs, ...step }) => ({
      ...step,
      agoSeconds: Math.max(0, performance.now() - endedAtMs) / 1000,
    })),
  )

const jsonOrNull = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))
