import { randomUUID } from 'node:crypto'
import { namespaceOf } from '@opsconductor/contracts'
import { ensureNamespace } from '@opsconductor/temporal'
import { createJob, endOf, startExecutor } from '../support/executor.ts'
import { createGrantsPeer } from './grants-peer.ts'
import { joinTargetProject, startUserWorker } from './target-project.ts'
import type { CallPast } from './workflows/ledger.ts'

/** One executor with two projects: the first calls, the second has a job, a long-lived workflow and connectors to both. */
export async function startTwoProjects(options: { environment?: Record<string, string> } = {}) {
  const grants = await createGrantsPeer()
  const executor = await startExecutor({ ...options, registryRoutes: grants.routes })
  const { temporal } = executor.deps
  await ensureNamespace(temporal.connection, namespaceOf(executor.projectId))
  const { stop: leave, ...target } = await joinTargetProject({ ...executor, temporal }, grants)
  let stopSourceWorker: ReturnType<typeof startUserWorker> | undefined

  async function beginStep(type: string, input: Record<string, unknown>) {
    const job = await createJob(executor, { steps: [{ id: 'ask', type, input }] })
    const started = await executor.call('POST', `/api/jobs/${job.id}/runs`, {})
    return started.body.id as string
  }

  async function executeInSource(type: string, ...args: unknown[]): Promise<unknown> {
    stopSourceWorker ??= startUserWorker(executor.projectId)
    await stopSourceWorker
    const { workflow } = temporal.clientFor(namespaceOf(executor.projectId))
    return await workflow.execute(type, { taskQueue: 'ledgers', workflowId: `past-${randomUUID()}`, args })
  }

  return {
    ...target,
    executor,
    grants,
    sourceId: executor.projectId,
    callSource: executor.call,
    /** Begins a run of a job in the source project that has one such step. */
    beginStep,
    endOf: (runId: string) => endOf(executor, runId),
    /** The same, to its end. */
    runStep: async (type: string, input: Record<string, unknown>) =>
      endOf(executor, await beginStep(type, input)),
    /** Calls from a workflow of the source project's own users, with whatever grant. */
    callPast: (call: CallPast) => executeInSource('callPast', call),
    callActivity: (name: string, args: unknown[]) => executeInSource('callActivity', name, args),
    async stop() {
      await (await stopSourceWorker)?.()
      await leave()
      await executor.stop()
    },
  }
}

export type TwoProjects = Awaited<ReturnType<typeof startTwoProjects>>
