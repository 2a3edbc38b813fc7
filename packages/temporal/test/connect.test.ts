import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { connectTemporal } from '../src/connect.ts'
import { ensureNamespace } from '../src/namespace.ts'
import { temporalUnavailable } from '../src/unavailable.ts'

const address = testTemporalAddress()

test('a namespace is made once, and made again it is left as it is', async () => {
  const temporal = connectTemporal({ address })
  const name = `project-${randomUUID()}`
  await ensureNamespace(temporal.connection, name)
  await ensureNamespace(temporal.connection, name)
  const found = await temporal.connection.workflowService.describeNamespace({ namespace: name })
  expect(Number(found.config?.workflowExecutionRetentionTtl?.seconds)).toBe(7 * 24 * 3600)
  await temporal.close()
})

test('two at once make one namespace', async () => {
  const temporal = connectTemporal({ address })
  const name = `project-${randomUUID()}`
  await Promise.all([ensureNamespace(temporal.connection, name), ensureNamespace(temporal.connection, name)])
  await temporal.ready()
  await temporal.close()
})

test('a server that is away is service_unavailable with Retry-After, for every call', async () => {
  const temporal = connectTemporal({ address: '127.0.0.1:1' })
  const expected = { code: 'service_unavailable', retryAfterSeconds: 2 }
  await expect(temporal.ready()).rejects.toMatchObject(expected)
  await expect(ensureNamespace(temporal.connection, 'any')).rejects.toMatchObject(expected)
  const error = await temporal
    .clientFor('any')
    .workflow.start('any', { taskQueue: 'any', workflowId: 'any' })
    .catch((e: unknown) => e)
  expect(temporalUnavailable(error)).toMatchObject(expected)
  await temporal.close()
})

test('what Temporal refuses is not taken for unavailability', async () => {
  const temporal = connectTemporal({ address })
  const error = await temporal
    .clientFor('default')
    .workflow.getHandle(randomUUID())
    .describe()
    .catch((e: unknown) => e)
  expect(error).toBeInstanceOf(Error)
  expect(temporalUnavailable(error)).toBeUndefined()
  expect(temporalUnavailable(new Error('something else'))).toBeUndefined()
  await temporal.close()
})

test('each namespace has its one client', async () => {
  const temporal = connectTemporal({ address })
  expect(temporal.clientFor('a')).toBe(temporal.clientFor('a'))
  expect(temporal.clientFor('a')).not.toBe(temporal.clientFor('b'))
  await temporal.close()
})
