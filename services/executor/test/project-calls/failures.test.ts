import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startTwoProjects, type TwoProjects } from './two-projects.ts'

let projects: TwoProjects
beforeAll(async () => {
  projects = await startTwoProjects()
}, 60_000)
afterAll(() => projects?.stop())

const callRows = async (runId: string) =>
  (
    await projects.executor.deps.pool.query(
      'SELECT side, outcome, error_code, attempts FROM executor.connector_calls WHERE source_run_id = $1 ORDER BY side',
      [runId],
    )
  ).rows

test('002.34 a rejected update fails with the words of the target, at once', async () => {
  const { connector } = await projects.addConnector({ callable_name: 'add' })
  const run = await projects.runStep('project.call', { connector, input: { by: -1 } })
  expect(run.error).toEqual({
    code: 'call_rejected',
    message: 'Only what is more than nothing.',
    step_id: 'ask',
  })
  expect(await callRows(run.id)).toEqual([
    { side: 'source', outcome: 'failed', error_code: 'call_rejected', attempts: 1 },
    { side: 'target', outcome: 'failed', error_code: 'call_rejected', attempts: 1 },
  ])
})

test('002.34 a workflow that is not there, a query that fails and one that is unknown each have their own error', async () => {
  const known = await projects.addConnector({ interface_type: 'query', callable_name: 'broken' })
  const broken = await projects.runStep('project.query', { connector: known.connector })
  expect(broken.error).toMatchObject({ code: 'call_failed' })
  expect(broken.error.message).toContain('the books are closed')
  const unknown = await projects.addConnector({ interface_type: 'query', callable_name: 'no_such' })
  const refused = await projects.runStep('project.query', { connector: unknown.connector })
  expect(refused.error).toMatchObject({ code: 'call_failed' })
  expect(refused.error.message).toContain('no_such')
  for (const [type, operation] of [
    ['signal', 'project.signal'],
    ['query', 'project.query'],
    ['update', 'project.call'],
  ] as const) {
    const gone = await projects.addConnector({
      interface_type: type,
      workflow: { ...known.workflow, workflow_id: `gone-${randomUUID()}` },
    })
    const run = await projects.runStep(operation, { connector: gone.connector })
    expect(run.error).toMatchObject({ code: 'target_missing' })
  }
}, 30_000)

test('002.34 an endpoint that is missing is told before the workflow names it', async () => {
  const missing = await projects.addConnector({}, { endpoint: false })
  const run = await projects.runStep('project.call', { connector: missing.connector, input: { by: 1 } })
  expect(run.error).toMatchObject({ code: 'connector_not_ready' })
})

test('002.34 a path that fails is tried as often as the step says, and what comes of it is done once', async () => {
  const late = await projects.addConnector({ callable_name: 'add' }, { endpoint: false })
  const before = ((await projects.ledger.handle.query('total')) as { total: number }).total
  const runId = await projects.beginStep('project.call', {
    connector: late.connector,
    input: { by: 2 },
    attempts: 10,
  })
  while (projects.grants.asked.filter(({ run_id }) => run_id === runId).length < 2) await delay(20)
  await projects.addConnector(late)
  expect((await projects.endOf(runId)).output).toEqual({ output: before + 2 })
}, 30_000)

test('002.34 what the registry refuses fails the step with the code of the registry', async () => {
  for (const refusal of ['call_not_allowed', 'call_loop', 'connector_not_ready'] as const) {
    const { connector } = await projects.addConnector({ refusal }, { endpoint: false })
    const run = await projects.runStep('project.call', { connector })
    expect(run.error).toMatchObject({ code: refusal, message: 'The registry says no.' })
  }
  const run = await projects.runStep('project.call', { connector: randomUUID() })
  expect(run.error).toMatchObject({ code: 'not_found' })
})

test('002.31 an input that does not fit is refused before anything is sent; an answer that does not, after', async () => {
  const input_schema = { type: 'object', properties: { by: { type: 'integer' } } }
  const strict = await projects.addConnector({ input_schema })
  const unfit = await projects.runStep('project.call', { connector: strict.connector, input: { by: 'one' } })
  expect(unfit.error).toMatchObject({ code: 'validation_failed' })
  expect(unfit.error.message).toContain('input.by')
  expect(await callRows(unfit.id)).toEqual([])
  const promising = await projects.addConnector({ output_schema: { type: 'string' } })
  const wrong = await projects.runStep('project.call', { connector: promising.connector, input: { by: 1 } })
  expect(wrong.error).toMatchObject({ code: 'invalid_answer' })
})

test("002.31 a job's output that does not fit is held back in its own project", async () => {
  const job = await projects.addJobConnector(
    { steps: [{ id: 'say', type: 'set', input: { values: { said: true } } }] },
    { output_schema: { type: 'object', required: ['n'] } },
  )
  const run = await projects.runStep('project.call', { connector: job.connector })
  expect(run.error).toMatchObject({ code: 'invalid_answer' })
  const runs = await projects.callTarget('GET', `/api/runs?job_id=${job.workflow.job_id}`)
  expect(runs.body.items).toMatchObject([{ status: 'failed', error: { code: 'invalid_answer' } }])
})

test('002.31 a schema that is none is told, on the side that finds it', async () => {
  const unusable = { type: 'strong' }
  const asking = await projects.addConnector({ input_schema: unusable })
  const asked = await projects.runStep('project.call', { connector: asking.connector, input: { by: 1 } })
  expect(asked.error).toMatchObject({ code: 'validation_failed' })
  const answering = await projects.addConnector({ output_schema: unusable })
  const answered = await projects.runStep('project.call', {
    connector: answering.connector,
    input: { by: 1 },
  })
  expect(answered.error).toMatchObject({ code: 'invalid_answer' })
  expect(await callRows(answered.id)).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }])
})

test('002.31 a schema that changed between the grant and the call is held to by the target', async () => {
  const changing = await projects.addConnector({ interface_type: 'signal', callable_name: 'note' })
  projects.grants.onAdmit(changing.connector_id, (target) => ({
    ...target,
    input_schema: { type: 'object', required: ['text'] },
  }))
  const run = await projects.runStep('project.signal', { connector: changing.connector, input: {} })
  expect(run.error).toMatchObject({ code: 'validation_failed' })
  expect(await callRows(run.id)).toMatchObject([{ outcome: 'failed' }, { outcome: 'refused' }])
})

test("002.34 a job's failure is the call's", async () => {
  const { connector } = await projects.addJobConnector({
    steps: [{ id: 'get', type: 'http.get', input: { url: 'http://127.0.0.1:9/' } }],
  })
  const run = await projects.runStep('project.call', { connector })
  expect(run.error).toMatchObject({ code: 'outbound_denied', step_id: 'ask' })
})

test('002.34 a target that does not answer in time is a timeout; where nobody serves, that is what the caller is told', async () => {
  const slow = await projects.addJobConnector(
    { steps: [{ id: 'wait', type: 'wait', input: { seconds: 60 } }] },
    { call_seconds_max: 8 },
  )
  const nobody = await projects.addConnector({ call_seconds_max: 5 }, { taskQueue: 'nobody' })
  const [late, unserved] = await Promise.all(
    [slow, nobody].map(({ connector }) => projects.runStep('project.call', { connector, input: {} })),
  )
  expect(late?.error).toMatchObject({
    code: 'step_timeout',
    message: 'The target did not answer in time.',
  })
  expect(unserved?.error).toMatchObject({ code: 'call_no_worker' })
}, 30_000)

test('a connector that comes from a template is refused when the job is saved', async () => {
  await expect(projects.beginStep('project.call', { connector: '{{ input.c }}' })).rejects.toThrow(
    'must not be a template',
  )
})
