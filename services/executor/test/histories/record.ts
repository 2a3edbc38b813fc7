/**
 * Writes the histories of representative runs beside this file, for `flow/replay.test.ts`: before the workflow's code
 * changes, run it with a new prefix (`node record.ts 2027-01`) where TEST_DATABASE_URL and TEST_TEMPORAL_ADDRESS are set.
 */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { set } from '../flow/steps.ts'
import { startTwoProjects } from '../project-calls/two-projects.ts'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'

const prefix = process.argv[2]
if (prefix === undefined) throw new Error('give a prefix, as the month: 2027-01')
// The package of this is the client's, not ours.
const { historyToJSON } = createRequire(createRequire(import.meta.url).resolve('@temporalio/client'))(
  '@temporalio/common/lib/proto-utils',
) as { historyToJSON(history: unknown): string }

let failuresLeft = 1
const held = Promise.withResolvers<void>()
const target = await startTarget((received, response) => {
  if (received.url === '/hold') held.resolve()
  else if (received.url === '/flaky' && failuresLeft-- > 0) sendJson(response, { busy: true }, 503)
  else if (received.url === '/refuses') sendJson(response, { error: 'no' }, 409)
  else sendJson(response, { id: 7, name: 'Ada' })
})
const get = (id: string, path: string, more: object = {}) => ({
  ...{ id, type: 'http.get', input: { url: target.url + path } },
  ...more,
})
const loop = (items: unknown, steps: object[], more: object = {}) => ({
  ...{ id: 'each', type: 'for_each', input: { items, concurrency: 2, ...more }, steps },
})

const jobs: Record<string, Record<string, unknown>> = {
  'three-steps': {
    steps: [get('a', '/x'), get('b', '/flaky'), set('c', { id: '{{ steps.a.body.id }}' })],
    output: { name: '{{ steps.b.body.name }}' },
  },
  conditions: {
    steps: [
      get('skipped', '/x', { if: false }),
      get('failing', '/refuses', { continue_on_error: true }),
      set(
        'told',
        { code: '{{ steps.failing.error.code }}' },
        { if: { value: '{{ steps.skipped.skipped }}', equals: true } },
      ),
      get('short', '/x', { timeout_seconds: 2 }),
      { id: 'pause', type: 'wait', input: { seconds: 0.1 } },
    ],
    finally: [get('clean', '/{{ run.status }}')],
  },
  loop: { steps: [loop([1, 2, 3], [get('a', '/{{ item }}'), set('b', { x: '{{ steps.a.body.id }}' })])] },
  'loop-with-failures': { steps: [loop([1, 2], [get('a', '/refuses')], { on_item_error: 'continue' })] },
  'long-loop': {
    steps: [
      loop(
        Array.from({ length: 210 }, (_, i) => i),
        [set('a', { x: '{{ item }}' })],
      ),
    ],
  },
}

const executor = await startExecutor()
try {
  await executor.open(target.port)
  for (const [name, definition] of Object.entries(jobs)) {
    const { id } = await runToEnd(executor, (await createJob(executor, definition)).id, { n: 1 })
    await save(executor, name, `run-${id}`)
    if (name === 'long-loop') await save(executor, 'part-of-a-loop', `run-${id}:each:0`)
    if (name !== 'conditions') continue
    const outer = await createJob(executor, {
      steps: [
        {
          id: 'other',
          type: 'job.run',
          input: { job: (await createJob(executor, { steps: [set('a', {})] })).id },
        },
      ],
    })
    const run = await runToEnd(executor, outer.id)
    await save(executor, 'another-job', `run-${run.id}`)
    await save(executor, 'run-by-another', `run-${run.output.run_id}`)
  }
  const hold = await createJob(executor, { steps: [get('a', '/hold')], finally: [set('clean', {})] })
  const { body } = await executor.call('POST', `/api/jobs/${hold.id}/runs`, {})
  await held.promise
  await executor.call('POST', `/api/runs/${body.id}/cancel`)
  await endOf(executor, body.id)
  await save(executor, 'cancelled', `run-${body.id}`)
} finally {
  await executor.stop()
  await target.close()
}

const projects = await startTwoProjects()
try {
  const { connector } = await projects.addJobConnector({ steps: [set('a', {})] })
  const adding = await projects.addConnector({ callable_name: 'add' })
  for (const [name, step, reference, input] of [
    ['calls-a-job', 'project.call', connector, {}],
    ['calls-a-workflow', 'project.call', adding.connector, { by: 1 }],
    ['call-rejected', 'project.call', adding.connector, { by: -1 }],
    ['starts-and-goes-on', 'project.start', connector, {}],
  ] as const) {
    const wait = step === 'project.start' ? { wait: false } : {}
    const run = await projects.runStep(step, { connector: reference, input, ...wait })
    await save(projects.executor, name, `run-${run.id}`)
  }
} finally {
  await projects.stop()
}

async function save({ deps, projectId }: ExecutorUnderTest, name: string, workflowId: string): Promise<void> {
  const { workflow } = deps.temporal.clientFor(`project-${projectId}`)
  const json = JSON.parse(historyToJSON(await workflow.getHandle(workflowId).fetchHistory()))
  const text = JSON.stringify(typeof json === 'string' ? JSON.parse(json) : json)
  writeFileSync(new URL(`${prefix}-${name}.json`, import.meta.url), `${text}\n`)
}
