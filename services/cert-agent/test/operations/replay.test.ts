import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@jest/globals'
import { loadWorkflowBundle } from '@opsconductor/temporal/worker'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'

const workflowsPath = fileURLToPath(new URL('../../src/workflow/run-operation.ts', import.meta.url))
const folder = new URL('../histories/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('every history that an earlier version wrote replays: operations under way survive an update', async () => {
  const logger = new DefaultLogger('ERROR')
  Runtime.install({ logger })
  const workflowBundle = await loadWorkflowBundle({ workflowsPath, logger })
  const histories = names.map((name) => ({
    workflowId: name,
    history: JSON.parse(readFileSync(new URL(name, folder), 'utf8')),
  }))
  const results: Record<string, string | undefined> = {}
  // In a thread: in this one the SDK would leave hooks behind that break the tests of other files.
  const options = { workflowBundle, debugMode: false }
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories))
    results[workflowId] = error?.message
  expect(results).toEqual(Object.fromEntries(names.map((name) => [name, undefined])))
  expect(names.length).toBeGreaterThanOrEqual(4)
}, 60_000)
