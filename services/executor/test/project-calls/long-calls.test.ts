import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { namespaceOf } from '@opsconductor/contracts'
import { sweepCalls } from '../../src/project-calls/sweep-calls.ts'
import { startTwoProjects, type TwoProjects } from './two-projects.ts'

const waiting = { steps: [{ id: 'wait', type: 'wait', input: { seconds: 600 } }] }

let projects: TwoProjects
/** A run whose call takes too long: begun here, for the other tests to pass the time. */
let tooLong: string
beforeAll(async () => {
  projects = await startTwoProjects()
  const { connector } = await projects.addJobConnector(waiting, { call_seconds_max: 10 })
  tooLong = await projects.beginStep('project.call', { connector })
}, 60_000)
afterAll(() => projects?.stop())

const targetClient = () => projects.executor.deps.temporal.clientFor(namespaceOf(projects.targetId))

/** The workflow that serves the run's call, once it does. */
async function servingWorkflow(runId: string): Promise<string> {
  for (;;) {
    const { rows } = await projects.executor.deps.pool.query<{ id: string }>(
      `SELECT target_workflow_id AS id FROM executor.connector_calls
       WHERE source_run_id = $1 AND side = 'target' AND target_workflow_id IS NOT NULL`,
      [runId],
    )
    if (rows[0] !== undefined) return rows[0].id
  }
}
const outcomesOf = async (runId: string) => {
  const { rows } = await projects.executor.deps.pool.query<{ side: string; outcome: string }>(
    'SELECT side, outcome FROM executor.connector_calls WHERE source_run_id = $1',
    [runId],
  )
  return Object.fromEntries(rows.map(({ side, outcome }) => [side, outcome]))
}
const endOfWorkflow = (workflowId: string) =>
  targetClient()
    .workflow.getHandle(workflowId)
    .result()
    .then(
      () => 'completed',
      () => 'ended',
    )
const statusOf = async (workflowId: string) =>
  (await targetClient().workflow.getHandle(workflowId).describe()).status.name

test('002.30a an update that takes longer than a handler may is waited for, held against its schema, and made once', async () => {
  const slow = await projects.addConnector({ callable_name: 'add_slowly' })
  const promising = await projects.addConnector({
    callable_name: 'add_slowly',
    output_schema: { type: 'string' },
  })
  const [run, unfit] = await Promise.all([
    projects.runStep('project.call', { connector: slow.connector, input: { by: 5 } }),
    projects.runStep('project.call', { connector: promising.connector, input: { by: 0 } }),
  ])
  expect(unfit.error).toMatchObject({ code: 'invalid_answer' })
  expect(run.output).toEqual({ output: 5 })
  expect(await projects.ledger.handle.query('total')).toMatchObject({ total: 5 })
  expect(await outcomesOf(run.id)).toEqual({ source: 'succeeded', target: 'succeeded' })
}, 30_000)

test("002.30c cancelling a run reaches the other project's run", async () => {
  const { connector } = await projects.addJobConnector(waiting)
  const runId = await projects.beginStep('project.call', { connector })
  const serving = await servingWorkflow(runId)
  await projects.callSource('POST', `/api/runs/${runId}/cancel`)
  expect(await projects.endOf(runId)).toMatchObject({ status: 'cancelled' })
  expect(await endOfWorkflow(serving)).toBe('ended')
  expect(await statusOf(serving)).toBe('CANCELLED')
  expect(await outcomesOf(runId)).toEqual({ source: 'cancelled', target: 'cancelled' })
}, 30_000)

test('002.30c start begins the workflow and waits for its result, or does not', async () => {
  const workflow = {
    ...(await projects.addConnector({}, { endpoint: false })).workflow,
    workflow_type: 'report',
    workflow_id: null,
  }
  const { connector } = await projects.addConnector({ workflow })
  const waited = await projects.runStep('project.start', { connector, input: { day: 'monday' } })
  expect(waited.output).toEqual({ output: { report: 'all of monday' } })
  const begun = await projects.runStep('project.start', { connector, input: { day: 'never' }, wait: false })
  expect(begun.output).toEqual({
    workflow_id: expect.stringMatching(/^call-/),
    operation_token: expect.any(String),
  })
  expect(await statusOf(begun.output.workflow_id)).toBe('RUNNING')
  await sweepCalls(projects.executor.deps.projectCalls, 0)
  expect(await statusOf(begun.output.workflow_id)).toBe('RUNNING')
  await targetClient().workflow.getHandle(begun.output.workflow_id).terminate()
}, 30_000)

test('002.35 what serves a caller that was terminated is cancelled', async () => {
  const { connector } = await projects.addJobConnector(waiting)
  const runId = await projects.beginStep('project.call', { connector })
  const serving = await servingWorkflow(runId)
  await sweepCalls(projects.executor.deps.projectCalls, 0)
  expect(await statusOf(serving)).toBe('RUNNING')
  await projects.executor.deps.temporal
    .clientFor(namespaceOf(projects.sourceId))
    .workflow.getHandle(`run-${runId}`)
    .terminate()
  await sweepCalls(projects.executor.deps.projectCalls, 0)
  await endOfWorkflow(serving)
  expect(await statusOf(serving)).toBe('CANCELLED')
  expect(await outcomesOf(runId)).toEqual({ source: 'cancelled', target: 'cancelled' })
}, 30_000)

test('002.35 what serves a call that took too long is cancelled, and the end that the caller saw stands', async () => {
  const run = await projects.endOf(tooLong)
  expect(run.error).toMatchObject({ code: 'step_timeout' })
  const serving = await servingWorkflow(run.id)
  await sweepCalls(projects.executor.deps.projectCalls, 0)
  await endOfWorkflow(serving)
  expect(await statusOf(serving)).toBe('CANCELLED')
  expect(await outcomesOf(run.id)).toEqual({ source: 'failed', target: 'cancelled' })
}, 30_000)

test("a job's status and cancel interfaces are for the runs of that job alone", async () => {
  const job = await projects.addJobConnector(waiting)
  const other = await projects.addJobConnector(waiting)
  const of = (connector: typeof job, interface_type: 'query' | 'signal') =>
    projects.addConnector({ workflow: connector.workflow, interface_type })
  const begun = await projects.runStep('project.start', { connector: job.connector, wait: false })
  const input = { run_id: begun.output.workflow_id.replace('run-', '') }
  const ask = async (connector: typeof job) =>
    projects.runStep('project.query', { connector: (await of(connector, 'query')).connector, input })
  while ((await ask(job)).output?.output.status !== 'running');
  expect((await ask(other)).error).toMatchObject({ code: 'target_missing' })
  const stop = await projects.runStep('project.signal', {
    connector: (await of(job, 'signal')).connector,
    input,
  })
  expect(stop.output).toEqual({ accepted: true })
  await endOfWorkflow(begun.output.workflow_id)
  expect((await ask(job)).output.output).toMatchObject({ status: 'cancelled' })
}, 60_000)
