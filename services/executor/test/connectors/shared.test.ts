import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { certificatesToPem, keyToPem } from '../../../../packages/x509/src/index.ts'
import { makeCertificate } from '../../../../packages/x509/test/make-certificate.ts'
import { type ExecutorUnderTest, startExecutor } from '../support/executor.ts'
import { bearer, canary, connect, runSteps } from './connected.ts'

const authority = makeCertificate('shared authority', { ca: true })
const site = makeCertificate('localhost', { issuer: authority, dns: ['localhost'] })
const received: (string | undefined)[] = []
const server = createServer(
  { key: keyToPem(site.key), cert: certificatesToPem([site.certificate]) },
  ({ headers }, response) => {
    received.push(headers.authorization)
    response.end()
  },
)

let executor: ExecutorUnderTest
let base_url: string
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  base_url = `https://localhost:${port}`
  executor = await startExecutor({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] })
  await executor.open(port)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  server.closeAllConnections()
  server.close()
})

const bundle = certificatesToPem([authority.certificate])
const run = (owner: string) => {
  const sharedWith = [executor.projectId]
  const { id } = connect(executor, 'http_api', { base_url }, bearer, { owner, sharedWith })
  return runSteps(executor, [{ id: 'get', type: 'http.get', connector: id, input: { url: '/' } }])
}

test('what opens a shared connector goes only to whom the project it belongs to trusts, whomever its user trusts', async () => {
  executor.broker.bundlesOf.set(executor.projectId, [bundle])
  expect((await run(randomUUID())).error?.code).toBe('target_unreachable')
  expect(received).toEqual([])
  const trusting = randomUUID()
  executor.broker.bundlesOf.set(trusting, [bundle])
  expect((await run(trusting)).status).toBe('succeeded')
  expect(received).toEqual([`Bearer ${canary}`])
})
