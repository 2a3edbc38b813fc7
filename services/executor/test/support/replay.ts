import { fileURLToPath } from 'node:url'
import { loadWorkflowBundle } from '@opsconductor/temporal/worker'
import { DefaultLogger, type ReplayHistoriesIterable, Worker } from '@temporalio/worker'

const workflowsPath = fileURLToPath(new URL('../../src/run-job/workflow/run-job.ts', import.meta.url))

/** Replays histories on the workflow code as it is; answers the error of each that it does not fit, by its name. */
export async function replay(histories: ReplayHistoriesIterable) {
  const logger = new DefaultLogger('ERROR')
  const workflowBundle = await loadWorkflowBundle({ workflowsPath, logger })
  const results: Record<string, string | undefined> = {}
  // In a thread: in this one the SDK would leave hooks behind that break the tests of other files.
  const options = { workflowBundle, debugMode: false }
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories))
    results[workflowId] = error?.message
  return results
}
