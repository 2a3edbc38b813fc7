import { type Breaker, breakerStates, type RunJobInput, type RunOutcome } from '@opsconductor/contracts'
import type { Logger, Metrics } from '@opsconductor/service-kit'
import type { CallKey } from './project-calls/store.ts'
import type { StepPlace, StepRequest } from './run-job/activity-contract.ts'

interface CheckFacts {
  check_id: string
  project_id: string
  check: { kind: string }
}

/** What happens in the executor, each said once: a log line and a count. */
export function createEvents(log: Logger, metrics: Metrics) {
  const runs = metrics.counter('executor_runs_total', 'Runs that ended, by outcome.', ['status'])
  const steps = metrics.counter('steps_total', 'Attempts of steps that ended, by step type and outcome.', [
    'type',
    'outcome',
  ])
  const stepSeconds = metrics.histogram(
    'step_duration_seconds',
    'Time of an attempt of a step, by step type and outcome.',
    ['type', 'outcome'],
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
  )
  const checks = metrics.counter(
    'executor_checks_total',
    'Checks of credentials and connectors, by kind and outcome.',
    ['kind', 'code'],
  )
  const jobs = metrics.counter('executor_jobs_saved_total', 'Job versions written.')
  const workers = metrics.gauge('executor_workers', 'Projects that a worker of this process serves.')
  const calls = metrics.counter(
    'connector_calls_total',
    'Calls between projects that ended, by side, connector, operation and outcome.',
    ['side', 'connector', 'operation', 'outcome'],
  )
  const refusedCalls = metrics.counter(
    'connector_calls_refused_total',
    'Calls from other projects without a valid grant, by operation and code.',
    ['operation', 'code'],
  )
  const callSeconds = metrics.histogram(
    'connector_call_duration_seconds',
    'Time of a call of another project, by operation and outcome.',
    ['operation', 'outcome'],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
  )
  const breakers = metrics.gauge(
    'connector_breaker_state',
    'Whether calls through a connector are let through: 0 closed, 1 open, 2 half open.',
    ['connector'],
  )
  const callFacts = ({ connectorId, runId, stepId, operation }: CallKey) => ({
    connector_id: connectorId,
    run_id: runId,
    step_id: stepId,
    operation,
  })
  const stepFacts = ({ runId, stepId, type }: StepPlace) => ({
    run_id: runId,
    step_id: stepId,
    step_type: type,
  })

  return {
    jobSaved(facts: { projectId: string; jobId: string; version: number; by: string }) {
      jobs.inc()
      log.info(
        { project_id: facts.projectId, job_id: facts.jobId, version: facts.version, by: facts.by },
        'job saved',
      )
    },
    runAsked(facts: { projectId: string; runId: string; by: string }) {
      log.info({ project_id: facts.projectId, run_id: facts.runId, by: facts.by }, 'run asked for')
    },
    cancelAsked(facts: { projectId: string; runId: string; by: string }) {
      log.info({ project_id: facts.projectId, run_id: facts.runId, by: facts.by }, 'cancelling asked for')
    },
    bastionSaved(facts: { projectId: string; bastionId: string; by: string }) {
      log.info({ project_id: facts.projectId, bastion_id: facts.bastionId, by: facts.by }, 'bastion saved')
    },
    bastionDeleted(facts: { projectId: string; bastionId: string; by: string }) {
      log.info({ project_id: facts.projectId, bastion_id: facts.bastionId, by: facts.by }, 'bastion deleted')
    },
    hostKeyNotReported(error: unknown) {
      log.error({ err: error }, "a host's unknown key could not be told to the broker")
    },
    outboundPolicySaved(facts: { projectId: string; rules: number; by: string }) {
      log.info({ project_id: facts.projectId, rules: facts.rules, by: facts.by }, 'outbound policy saved')
    },
    mibsChanged(facts: { projectId: string; module: string; change: 'loaded' | 'deleted'; by: string }) {
      const { projectId, module, change, by } = facts
      log.info({ project_id: projectId, module, change, by }, 'MIB modules changed')
    },
    webhookEndpointDisabled(facts: { projectId: string; endpointId: string }) {
      log.warn({ project_id: facts.projectId, endpoint_id: facts.endpointId }, 'webhook endpoint disabled')
    },
    webhookEndpointEnabled({
      projectId,
      endpointId,
      by,
    }: {
      projectId: string
      endpointId: string
      by: string
    }) {
      log.info({ project_id: projectId, endpoint_id: endpointId, by }, 'webhook endpoint enabled')
    },
    redeliveryAsked(facts: { projectId: string; runId: string; redeliveryId: string; by: string }) {
      const { projectId, runId, redeliveryId, by } = facts
      log.info(
        { project_id: projectId, run_id: runId, redelivery_id: redeliveryId, by },
        'webhook redelivery asked for',
      )
    },
    webhookNotRecorded(projectId: string, error: unknown) {
      log.error({ project_id: projectId, err: error }, "a webhook delivery's end could not be written")
    },
    runOpened(projectId: string, { run_id, job_id, version }: RunJobInput) {
      log.info({ project_id: projectId, run_id, job_id, version }, 'run started')
    },
    runEnded(projectId: string, outcome: RunOutcome) {
      runs.inc({ status: outcome.status })
      const code = outcome.status === 'succeeded' ? undefined : outcome.error.code
      log.info({ project_id: projectId, run_id: outcome.run_id, status: outcome.status, code }, 'run ended')
    },
    /** `seconds`: null where the step was not run. */
    stepEnded(step: StepPlace, attempt: number, outcome: string, seconds: number | null) {
      steps.inc({ type: step.type, outcome })
      if (seconds !== null) stepSeconds.observe({ type: step.type, outcome }, seconds)
      log.info({ ...stepFacts(step), attempt, outcome }, 'step ended')
    },
    stepNotRecorded(step: StepPlace, error: unknown) {
      log.error({ ...stepFacts(step), err: error }, "a step's end could not be written")
    },
    /** A defect of ours. The error may quote what the step held, so it is said through the step's redaction. */
    stepBroke(request: StepRequest, error: unknown, redact: (text: string) => string) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log.error({ ...stepFacts(request), error: redact(text) }, 'a step broke')
    },
    /** A defect of ours around a run's steps, where no secret is. */
    runBroke(projectId: string, error: unknown) {
      log.error({ project_id: projectId, err: error }, 'a run broke')
    },
    checkEnded({ check_id, project_id, check }: CheckFacts, code: string) {
      checks.inc({ kind: check.kind, code })
      log.info({ project_id, check_id, kind: check.kind, code }, 'check ended')
    },
    /** A defect of ours; said through the check's redaction. */
    checkBroke(
      { check_id, project_id, check }: CheckFacts,
      error: unknown,
      redact: (text: string) => string,
    ) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log.error({ project_id, check_id, kind: check.kind, error: redact(text) }, 'a check broke')
    },
    connectorCallEnded(call: CallKey, outcome: string, seconds: number, code?: string) {
      calls.inc({ side: 'source', connector: call.connectorId, operation: call.operation, outcome })
      callSeconds.observe({ operation: call.operation, outcome }, seconds)
      log.info({ ...callFacts(call), outcome, code }, 'call of another project ended')
    },
    /** `running`: a workflow was begun, whose result will be the answer. */
    connectorCallServed(call: CallKey, outcome: string, code?: string) {
      calls.inc({ side: 'target', connector: call.connectorId, operation: call.operation, outcome })
      log.info({ ...callFacts(call), outcome, code }, 'call of another project served')
    },
    /** Before it was known whose call it was. */
    connectorCallRefused(facts: { projectId: string; operation: string }, code: string, reason: string) {
      refusedCalls.inc({ operation: facts.operation, code })
      log.warn(
        { project_id: facts.projectId, operation: facts.operation, code, reason },
        'call of another project refused',
      )
    },
    /** A defect of ours, or a row that could not be written. */
    connectorCallBroke(projectId: string, error: unknown) {
      log.error({ project_id: projectId, err: error }, 'a call of another project broke')
    },
    breakerChanged(connectorId: string, state: Breaker['state']) {
      breakers.set({ connector: connectorId }, breakerStates.indexOf(state))
    },
    choreFailed(chore: string, error: unknown) {
      log.error({ chore, err: error }, 'a chore failed and is done again in its time')
    },
    workerStarted(projectId: string, serving: number) {
      workers.set(serving)
      log.info({ project_id: projectId }, 'worker started')
    },
    workerLost(projectId: string, serving: number, error: unknown) {
      workers.set(serving)
      log.error({ project_id: projectId, err: error }, 'worker lost; it is started again')
    },
    workerRested(projectId: string, serving: number) {
      workers.set(serving)
      log.info({ project_id: projectId }, 'worker stopped: the project is not in use')
    },
    useNotKnown(error: unknown) {
      log.warn({ err: error }, 'whether a project is in use could not be found out; tried again')
    },
    projectsNotListed(error: unknown) {
      log.warn({ err: error }, 'the projects with jobs could not be listed; tried again')
    },
  }
}

export type ExecutorEvents = ReturnType<typeof createEvents>
