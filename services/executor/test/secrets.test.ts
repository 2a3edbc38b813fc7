import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { everythingKept, formsOf } from './support/everything-kept.ts'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>

const canary = (name: string) => `canary-${name}-${randomBytes(12).toString('base64url')}`
const canaries = {
  password: `${canary('password')}/+ "é`,
  token: canary('token'),
  key: canary('key'),
  queryKey: canary('query'),
  databasePassword: canary('database'),
}

beforeAll(async () => {
  // Echoes whatever it was sent, in every place an answer has.
  target = await startTarget((received, response) => {
    const secret = `${received.headers.authorization ?? ''} ${received.headers['x-api-key'] ?? ''} ${received.url}`
    const decoded = Buffer.from(secret.split(' ')[1] ?? '', 'base64').toString('utf8')
    response.setHeader('x-echo', encodeURIComponent(secret + decoded))
    const echo = {
      secret,
      decoded,
      url: decodeURIComponent(received.url),
      nested: JSON.stringify({ decoded }),
      [secret]: 1,
    }
    sendJson(response, echo, received.url.startsWith('/fail') ? 403 : 200)
  })
  executor = await startExecutor()
  await executor.open(target.port, Number(new URL(executor.database.ownerUrl).port))
  const { projectId } = executor
  const dsn = new URL(executor.database.urlOf('executor'))
  const wrongDsn = new URL(dsn)
  wrongDsn.password = canaries.databasePassword
  executor.broker.add({
    projectId,
    name: 'basic',
    type: 'http_basic',
    secret: { password: canaries.password },
    extra: { username: 'ada' },
  })
  executor.broker.add({ projectId, name: 'token', type: 'bearer_token', secret: { token: canaries.token } })
  executor.broker.add({ projectId, name: 'key', type: 'api_key', secret: { key: canaries.key } })
  executor.broker.add({
    projectId,
    name: 'query',
    type: 'api_key',
    secret: { key: canaries.queryKey },
    extra: { query_name: 'k' },
  })
  executor.broker.add({ projectId, name: 'wrong', type: 'db_dsn', secret: { dsn: wrongDsn.href } })
  executor.broker.add({
    projectId,
    name: 'unusable',
    type: 'db_dsn',
    secret: { dsn: `postgres://u:${canaries.databasePassword}@[/x` },
  })
  executor.broker.add({
    projectId,
    name: 'control',
    type: 'bearer_token',
    secret: { token: `${canaries.token}\r\nx: y` },
  })
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

test('no lent secret is in any row, log line, history or answer, however the target echoes it', async () => {
  const http = (credential: string, path: string, type = 'http.get') => ({
    id: 'echo',
    type,
    credential,
    input: { url: target.url + path },
    max_attempts: 1,
  })
  const sql = (credential: string) => ({
    id: 'ask',
    type: 'sql.query',
    credential,
    input: { sql: 'SELECT 1' },
    max_attempts: 1,
  })
  const steps = [
    ...['basic', 'token', 'key', 'query'].flatMap((name) => [
      http(name, '/echo'),
      http(name, '/fail'),
      http(name, '/echo', 'http.post'),
    ]),
    http('control', '/echo'),
    sql('wrong'),
    sql('unusable'),
  ]
  const runs = []
  for (const step of steps) {
    const job = await createJob(executor, { steps: [step] })
    runs.push(await runToEnd(executor, job.id))
  }
  // The target did get the secrets and did echo them: otherwise this test would prove nothing.
  expect(target.received.map((r) => r.headers.authorization)).toContain(`Bearer ${canaries.token}`)
  expect(target.received.some((r) => r.url.includes(canaries.queryKey))).toBe(true)
  expect(runs.filter((run) => run.status === 'succeeded')).toHaveLength(8)
  const kept = await everythingKept(
    executor,
    runs.map((run) => run.id),
  )
  expect(kept).toContain('[redacted]')
  expect(kept).toContain('x-echo')
  for (const [name, secret] of Object.entries(canaries))
    for (const form of formsOf(secret)) expect([name, form, kept.includes(form)]).toEqual([name, form, false])
})

test('000.06 a run sends a credential that is limited to CA bundles over no plain text', async () => {
  const { projectId, broker } = executor
  broker.add({
    projectId,
    name: 'limited',
    type: 'bearer_token',
    secret: { token: canary('limited') },
    limits_ca_bundles: ['lab'],
  })
  const before = target.received.length
  const step = {
    id: 'get',
    type: 'http.get',
    credential: 'limited',
    input: { url: target.url },
    max_attempts: 1,
  }
  const job = await createJob(executor, { steps: [step] })
  const run = await runToEnd(executor, job.id)
  expect(run.error).toMatchObject({
    code: 'outbound_denied',
    message: expect.stringContaining('limited to CA bundles'),
  })
  expect(target.received).toHaveLength(before)
})
