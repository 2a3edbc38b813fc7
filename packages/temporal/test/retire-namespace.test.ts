import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testTemporalAddress } from '@opsconductor/test-peers'
import type { WorkflowHandle } from '@temporalio/client'
import { connectTemporal, type Temporal } from '../src/connect.ts'
import { ensureNamespace } from '../src/namespace.ts'
import { retireNamespace } from '../src/retire-namespace.ts'
import { temporalUnavailable } from '../src/unavailable.ts'

let temporal: Temporal
let handle: WorkflowHandle
const namespace = `project-${randomUUID()}`
const start = () =>
  temporal.clientFor(namespace).workflow.start('any', { taskQueue: 'nobody', workflowId: randomUUID() })

beforeAll(async () => {
  temporal = connectTemporal({ address: testTemporalAddress() })
  await ensureNamespace(temporal.connection, namespace)
  handle = await start()
  await retireNamespace(temporal, namespace)
}, 60_000)
afterAll(() => temporal?.close())

test('what runs in a retired namespace was asked to stop, and ended where it did not; its history stays', async () => {
  const { status } = await handle.describe()
  expect(status.name).toBe('TERMINATED')
  const { events } = await handle.fetchHistory()
  expect(events?.map((event) => event.workflowExecutionCancelRequestedEventAttributes != null)).toContain(
    true,
  )
})

test('nothing is started in it any more, and whoever tries is told why', async () => {
  const error = await start().catch((e: unknown) => e)
  expect(temporalUnavailable(error)).toMatchObject({
    code: 'service_unavailable',
    message: 'The project is being deleted: nothing is started in it.',
  })
})

test('retiring again changes nothing; a namespace that never was is retired', async () => {
  await retireNamespace(temporal, namespace)
  await ensureNamespace(temporal.connection, namespace)
  expect(temporalUnavailable(await start().catch((e: unknown) => e))).toBeDefined()
  await retireNamespace(temporal, `project-${randomUUID()}`)
}, 30_000)

test('with Temporal away nothing is taken for retired', async () => {
  const away = connectTemporal({ address: '127.0.0.1:1' })
  await expect(retireNamespace(away, namespace)).rejects.toMatchObject({ code: 'service_unavailable' })
  await away.close()
})
