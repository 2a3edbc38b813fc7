import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startTwoProjects, type TwoProjects } from './two-projects.ts'

let projects: TwoProjects
beforeAll(async () => {
  projects = await startTwoProjects()
}, 60_000)
afterAll(() => projects?.stop())

const echo = {
  input_schema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
  steps: [{ id: 'answer', type: 'set', input: { values: { double: '{{ input.n }}' } } }],
}

test('002.30a an update of a long-lived workflow answers its result', async () => {
  const { connector } = await projects.addConnector({ callable_name: 'add' })
  const run = await projects.runStep('project.call', { connector, input: { by: 3 } })
  expect(run.error).toBeNull()
  expect(run.output).toEqual({ output: 3 })
})

test('002.30b a signal is taken, once, and a query reads the state', async () => {
  const noting = await projects.addConnector({ interface_type: 'signal', callable_name: 'note' })
  const reading = await projects.addConnector({ interface_type: 'query', callable_name: 'total' })
  const signalled = await projects.runStep('project.signal', {
    connector: noting.connector,
    input: { text: 'hello' },
  })
  expect(signalled.output).toEqual({ accepted: true })
  const read = await projects.runStep('project.query', { connector: reading.connector_id })
  expect(read.output).toEqual({ output: expect.objectContaining({ notes: ['hello'] }) })
})

test("002.30c a job's run answers its output, and says who called", async () => {
  const { connector } = await projects.addJobConnector(echo)
  const run = await projects.runStep('project.call', { connector, input: { n: 4 } })
  expect(run.error).toBeNull()
  expect(run.output).toEqual({ output: { double: 4 } })
  const [served] = (await projects.callTarget('GET', '/api/runs')).body.items
  expect(served.trigger).toMatchObject({
    kind: 'connector',
    connector: { source_project_id: projects.sourceId, source_run_id: run.id },
  })
})

test('002.28 a run that was called calls on with the projects that wait, and never into one of them', async () => {
  const back = await projects.addConnector(
    { target_project_id: projects.sourceId, source_project_id: projects.targetId },
    { endpoint: false },
  )
  const there = await projects.addJobConnector({
    steps: [{ id: 'back', type: 'project.call', input: { connector: back.connector } }],
  })
  const run = await projects.runStep('project.call', { connector: there.connector })
  expect(run.error).toMatchObject({ code: 'call_loop', step_id: 'ask' })
  expect(projects.grants.asked.at(-1)).toMatchObject({
    project_id: projects.targetId,
    chain: [projects.sourceId, projects.targetId],
  })
})

test('002.28 the projects that wait are known to runs that a run starts, and in loops', async () => {
  const back = await projects.addConnector({ target_project_id: projects.sourceId }, { endpoint: false })
  const call = { id: 'back', type: 'project.call', input: { connector: back.connector } }
  const inner = await projects.callTarget('POST', '/api/jobs', { name: 'inner', steps: [call] })
  const many = Array.from({ length: 201 }, (_, index) => index)
  for (const step of [
    { id: 'other', type: 'job.run', input: { job: inner.body.id } },
    { id: 'each', type: 'for_each', input: { items: many, concurrency: 1 }, steps: [call] },
  ]) {
    const there = await projects.addJobConnector({ steps: [step] })
    const run = await projects.runStep('project.call', { connector: there.connector })
    expect(run.error).toMatchObject({ code: 'call_loop' })
    expect(projects.grants.asked.at(-1)?.chain).toEqual([projects.sourceId, projects.targetId])
  }
})
