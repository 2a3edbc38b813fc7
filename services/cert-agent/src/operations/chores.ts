import type { Chore } from '@opsconductor/service-kit'
import type { OperationDeps } from './operation-deps.ts'
import { startWorkflow } from './start-workflow.ts'
import type { StoredOperation } from './store.ts'

/** Longer than whoever wrote the row takes to start its workflow. */
const queuedMs = 5_000
const underWayMs = 10 * 60_000
const pageSize = 100

/** What makes an operation go on whatever happened to us or to Temporal. */
export const operationChores = (deps: OperationDeps): Chore[] => [
  { name: 'queued operations', everyMs: queuedMs, run: () => startQueued(deps) },
  { name: 'operations under way', everyMs: underWayMs, run: () => resumeUnderWay(deps) },
]

/** Those whose workflow could not be started when they were asked for. Ends at the first that cannot be now. */
export async function startQueued(deps: OperationDeps): Promise<void> {
  const left = await deps.operations.listLeftQueued(new Date(Date.now() - queuedMs), pageSize)
  await startAll(deps, left)
}

/** Those that Temporal knows nothing of any more, as after the database alone was restored. */
async function resumeUnderWay(deps: OperationDeps): Promise<void> {
  const before = new Date(Date.now() - underWayMs)
  let page: StoredOperation[] = []
  do {
    page = await deps.operations.listUnderWay(before, page.at(-1)?.id, pageSize)
    await startAll(deps, page)
  } while (page.length === pageSize)
}

async function startAll(deps: OperationDeps, operations: readonly StoredOperation[]): Promise<void> {
  for (const operation of operations) await startWorkflow(deps, operation)
}
