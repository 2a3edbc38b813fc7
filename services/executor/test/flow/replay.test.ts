import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { loadWorkflowBundle } from '@opsconductor/temporal/worker'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'

const folder = new URL('../histories/', import.meta.url)
const workflowsPath = fileURLToPath(new URL('../../src/run-job/workflow/run-job.ts', import.meta.url))
const logger = new DefaultLogger('ERROR')
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('000.43 every history that an earlier version wrote replays: runs under way survive an update', async () => {
  Runtime.install({ logger })
  const workflowBundle = await loadWorkflowBundle({ workflowsPath, logger })
  const histories = names.map((name) => ({
    workflowId: name,
    history: JSON.parse(readFileSync(new URL(name, folder), 'utf8')),
  }))
  const results: unknown[] = []
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories))
    results.push([workflowId, error?.message])
  expect(results.sort()).toEqual(names.sort().map((name) => [name, undefined]))
  expect(names.length).toBeGreaterThan(10)
}, 60_000)
