import { randomUUID } from 'node:crypto'
import {
  type CheckResult,
  getJobVersionEndpoint,
  type JobVersion,
  type ProjectConnectorTest,
  runCheckEndpoint,
  testProjectConnectorEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { internalRoute } from '@opsconductor/service-kit'
import { servePeer } from '@opsconductor/test-peers'
import type { z } from 'zod'

type ConnectorTestRequest = z.infer<typeof testProjectConnectorEndpoint.request>
type ConnectorTestResult = z.infer<typeof ProjectConnectorTest>
export type CheckRequest = z.infer<typeof runCheckEndpoint.request>

export interface ExecutorPeer {
  /** For EXECUTOR_URL. */
  url: string
  createJob(projectId: string, job?: Partial<Pick<JobVersion, 'name' | 'input_schema'>>): JobVersion
  /** What a check finds; well by default. */
  onCheck(answer: (request: CheckRequest) => Promise<CheckResult>): void
  /** What a test of a project connector finds. */
  onConnectorTest(answer: (request: ConnectorTestRequest) => Promise<ConnectorTestResult>): void
  close(): Promise<void>
}

/** The executor's internal listener as the registry sees it: the contract's endpoint over real HTTP, jobs in memory. */
export async function startExecutorPeer(internalKey: string): Promise<ExecutorPeer> {
  const jobs = new Map<string, JobVersion>()
  let answerConnectorTest = async (_: ConnectorTestRequest): Promise<ConnectorTestResult> => {
    throw new AppError('service_unavailable', 'No answer was given.')
  }
  let answerCheck: (request: CheckRequest) => Promise<CheckResult> = async () => ({ ok: true, latency_ms: 1 })
  const listening = await servePeer(
    'executor',
    [
      internalRoute(getJobVersionEndpoint, async ({ params, request }) => {
        const job = jobs.get(params.id ?? '')
        if (job?.project_id !== request.project_id || (request.version ?? 1) !== 1)
          throw new AppError('not_found', 'There is no such job.')
        return job
      }),
      internalRoute(testProjectConnectorEndpoint, ({ request }) => answerConnectorTest(request)),
      internalRoute(runCheckEndpoint, ({ request }) => answerCheck(request)),
    ],
    internalKey,
  )
  return {
    url: listening.url,
    createJob(projectId, { name = `job ${randomUUID()}`, input_schema = { type: 'object' } } = {}) {
      const job = { job_id: randomUUID(), project_id: projectId, version: 1, name, input_schema }
      jobs.set(job.job_id, job)
      return job
    },
    onConnectorTest(answer) {
      answerConnectorTest = answer
    },
    onCheck(answer) {
      answerCheck = answer
    },
    close: () => listening.close(),
  }
}
