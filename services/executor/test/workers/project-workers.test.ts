import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ensureNamespaceEndpoint } from '@opsconductor/contracts'
import { temporalLog } from '@opsconductor/temporal/worker'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { createProjectWorkers } from '../../src/workers/project-workers.ts'
import { createWorkerFactory } from '../../src/workers/worker-factory.ts'
import { type ExecutorUnderTest, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

test('stopping while a worker is being made ends it, and the connection with it', async () => {
  const { deps, projectId } = executor
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const lost: unknown[] = []
  const factory = createWorkerFactory({
    temporal: { address: testTemporalAddress(), tls: false },
    bundleDirectory: undefined,
    logger: temporalLog(deps.log),
    tracing: undefined,
    async ensureNamespace(id) {
      await deps.internal.call(ensureNamespaceEndpoint, {}, { params: { id } })
      asked.resolve()
      await answer.promise
    },
    activitiesOf: () => ({}) as never,
    nexusServicesOf: () => [],
  })
  const workers = createProjectWorkers({
    factory,
    events: {
      workerStarted: () => {},
      workerLost: (_, __, error) => lost.push(error),
      workerRested: () => {},
    },
  })
  const refused = expect(workers.serve(projectId)).rejects.toMatchObject({ code: 'service_unavailable' })
  await asked.promise
  const stopped = workers.stop()
  answer.resolve()
  await stopped
  expect(lost).toEqual([])
  expect(workers.serves(projectId)).toBe(false)
  await refused
}, 60_000)
