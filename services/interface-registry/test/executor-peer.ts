import { randomUUID } from 'node:crypto'
import { getJobVersionEndpoint, type JobVersion } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  createInternalApp,
  createLog,
  createMetrics,
  internalKeys,
  internalRoute,
  listen,
} from '@opsconductor/service-kit'

export interface ExecutorPeer {
  /** For EXECUTOR_URL. */
  url: string
  createJob(projectId: string, job?: Partial<Pick<JobVersion, 'name' | 'input_schema'>>): JobVersion
  close(): Promise<void>
}

/** The executor's internal listener as the registry sees it: the contract's endpoint over real HTTP, jobs in memory. */
export async function startExecutorPeer(internalKey: string): Promise<ExecutorPeer> {
  const jobs = new Map<string, JobVersion>()
  const listening = await listen(
    createInternalApp({
      log: createLog('executor-peer', 'silent'),
      metrics: createMetrics(),
      keys: internalKeys({ INTERNAL_KEY: [internalKey] }, 'executor'),
      ready: async () => {},
      routes: [
        internalRoute(getJobVersionEndpoint, async ({ params, request }) => {
          const job = jobs.get(params.id ?? '')
          if (job?.project_id !== request.project_id || (request.version ?? 1) !== 1)
            throw new AppError('not_found', 'There is no such job.')
          return job
        }),
      ],
    }),
    '127.0.0.1',
    0,
  )
  return {
    url: listening.url,
    createJob(projectId, { name = `job ${randomUUID()}`, input_schema = { type: 'object' } } = {}) {
      const job = { job_id: randomUUID(), project_id: projectId, version: 1, name, input_schema }
      jobs.set(job.job_id, job)
      return job
    },
    close: () => listening.close(),
  }
}
