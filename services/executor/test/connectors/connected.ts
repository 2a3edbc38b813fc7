import { randomUUID } from 'node:crypto'
import type { ConnectorKind, LentCredential, ResolvedConnector } from '@opsconductor/contracts'
import { createJob, type ExecutorUnderTest, runToEnd } from '../support/executor.ts'

type Opener = Pick<LentCredential, 'type' | 'secret'> & Partial<LentCredential>

export const canary = 'c0nnector-canary-9f3a+/='
export const bearer: Opener = { type: 'bearer_token', secret: { token: canary } }

/** A connector of the project, or of `owner`, with what opens it. */
export function connect(
  { registry, broker, projectId }: ExecutorUnderTest,
  kind: ConnectorKind,
  settings: ResolvedConnector['settings'],
  opener?: Opener,
  { owner = projectId, sharedWith = [] }: { owner?: string; sharedWith?: string[] } = {},
) {
  const connector = registry.addConnector({
    project_id: owner,
    name: `${kind}-${randomUUID().slice(0, 8)}`,
    kind,
    settings,
    has_credential: opener !== undefined,
    sharedWith,
  })
  if (opener !== undefined)
    broker.openConnector(connector.id, broker.add({ projectId: owner, name: randomUUID(), ...opener }).id)
  return connector
}

/** Runs the steps as a job; what became of the run, and of each attempt. */
export async function runSteps(executor: ExecutorUnderTest, steps: object[], input: object = {}) {
  const job = await createJob(executor, { steps })
  return (await runToEnd(executor, job.id, input)) as {
    id: string
    status: string
    output: unknown
    error: { code: string; message: string; step_id: string } | null
    steps: {
      step_id: string
      status: string
      attempt: number
      output: unknown
      error: { code: string; message: string } | null
    }[]
  }
}
