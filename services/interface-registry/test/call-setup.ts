import { testTemporalAddress } from '@opsconductor/test-peers'
import { type Answer, type Harness, send, startHarness } from './harness.ts'
import { type ProjectWorker, startProjectWorker } from './project-worker.ts'
import { jobWorkflow, publishRun } from './setups.ts'

export interface CallOptions {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

export type CallSetup = Awaited<ReturnType<typeof startCallSetup>>

/** A project with a worker and one published job `run`; calls wait `waitSeconds` at most. */
export async function startCallSetup({ waitSeconds = 10 } = {}) {
  const harness: Harness = await startHarness({ settings: { CALL_WAIT_SECONDS: String(waitSeconds) } })
  const project = await harness.createProject()
  const workflowId = await jobWorkflow(harness, project, {
    type: 'object',
    properties: {
      wait_ms: { type: 'integer', minimum: 0 },
      effect: { type: 'string' },
      fail: { type: 'string' },
    },
  })
  const worker: ProjectWorker = await startProjectWorker(testTemporalAddress(), project.projectId)
  const run = await publishRun(harness, project, workflowId)
  const key = project.createKey()
  return {
    harness,
    project,
    workflowId,
    worker,
    run,
    key,
    /** POST through the gateway, with the project's key. */
    call: (url: string, { headers = {}, ...options }: CallOptions = {}): Promise<Answer> =>
      send(url, { method: 'POST', body: {}, ...options, headers: { 'x-api-key': key, ...headers } }),
    runUrl: run.public_interface.url,
    /** Past the gateway, whose own 404 would hide ours. */
    direct: (url: string) => url.replace(harness.gatewayUrl, harness.publicUrl),
    async stop() {
      await worker.stop()
      await harness.stop()
    },
  }
}
