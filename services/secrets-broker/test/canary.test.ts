import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRedactor } from '@opsconductor/redact'
import { type RunningBroker, send, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())

const canary = (kind: string) => `canary-${kind}-${randomUUID()}`

test('001.09 001.10 001.11 planted secrets are in no row, no log line, no metric and no public or error answer', async () => {
  const { projectId, asOwner } = await broker.createProject()
  const planted: string[] = []
  const plant = (kind: string) => {
    const text = canary(kind)
    planted.push(text)
    return text
  }
  const answers: string[] = []
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await broker.api(method, path, asOwner, body)
    answers.push(JSON.stringify(answer.headers), answer.text)
    return answer
  }
  const internalErrors = async (path: string, body: unknown, key?: string | null) => {
    const answer = await broker.internal('POST', path, body, key)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    answers.push(JSON.stringify(answer.headers), answer.text)
  }
  const upsert = '/internal/secrets/credential-upsert'
  const host = { host: 'web-01', purpose: 'ssh' }
  const password = plant('host')
  await broker.internal('POST', upsert, { ...host, password })
  await broker.internal('POST', upsert, { ...host, password: plant('host-again') })
  const lookup = await broker.internal('POST', '/internal/secrets/credential-lookup', host)
  expect(lookup.body.password).toBe(planted[1])
  await internalErrors(upsert, { ...host, password: plant('no-key') }, null)
  await internalErrors(upsert, { ...host, password: plant('wrong-shape'), domain: 7 })
  await internalErrors(upsert, { ...host, password: { nested: plant('nested') } })
  await internalErrors(upsert, { ...host, password: `${plant('nul')}\0` })
  await internalErrors(upsert, `{"host":"web-01","password":"${plant('broken-json')}`)

  const types = {
    http_basic: { secret: { password: plant('basic') }, extra: { username: 'u' } },
    bearer_token: { secret: plant('bearer') },
    api_key: { secret: { key: plant('api-key') } },
    db_dsn: { secret: `postgres://u:${plant('dsn')}@db.example/app` },
  }
  for (const [type, given] of Object.entries(types)) {
    const { body } = await api('POST', '/api/credentials', { name: `my ${type}`, type, ...given })
    await api('GET', `/api/credentials/${body.id}`)
    const used = await broker.internal(
      'POST',
      `/internal/secrets/credentials/${body.id}/use`,
      broker.executor.useOf(projectId, body.id),
    )
    expect(planted.some((text) => used.text.includes(text))).toBe(true)
    if (type === 'db_dsn') await api('DELETE', `/api/credentials/${body.id}`)
  }
  const refused: object[] = [
    { type: 'http_basic', secret: { password: 'x', wrong: plant('wrong-field') } },
    { type: 'http_basic', secret: { [plant('as-name')]: 'abcd' }, extra: { username: 'u' } },
    { type: 'http_basic', secret: plant('no-user') },
    { type: plant('as-type'), secret: 'abcdef' },
    { type: 'db_dsn', secret: `postgres://u:${plant('bad-dsn')}%zz@db.example/app` },
    { type: 'db_dsn', secret: `mongodb://u:${plant('mongodb')}@db.example/app` },
    { type: 'db_dsn', secret: `postgres://u:p@h/d?password=${plant('parameter')}` },
    { type: 'bearer_token', secret: `${plant('with space')} x` },
    { type: 'bearer_token', secret: { token: { deep: plant('deep') } } },
    { type: 'bearer_token', secret: [plant('list')] },
    { type: 'api_key', secret: plant('extra'), extra: { header_name: 'Host' } },
  ]
  for (const [i, given] of refused.entries()) {
    const { status } = await api('POST', '/api/credentials', { name: `refused ${i}`, ...given })
    expect(status).toBe(422)
  }
  await api('POST', '/api/credentials', { name: 'my api_key', type: 'api_key', secret: plant('duplicate') })
  await api('POST', '/api/credentials', `{"name":"x","secret":"${plant('broken')}`)
  await api('GET', '/api/credentials')
  await broker.owner.query(
    'UPDATE secrets.host_credentials SET password_encrypted = left(password_encrypted, 24)',
  )
  await internalErrors('/internal/secrets/credential-lookup', host)
  answers.push((await send(`${broker.internalUrl}/metrics`, { method: 'GET', headers: {} })).text)

  const { redact } = createRedactor(planted)
  const found = (text: string) => redact(text) !== text
  const { rows: tables } = await broker.owner.query(
    `SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  )
  expect(tables.map(({ name }) => name)).toContain('secrets.credential_access_log')
  const rows: string[] = []
  for (const { name } of tables) {
    const { rows: texts } = await broker.owner.query(`SELECT t::text AS text FROM ${name} t`)
    rows.push(...texts.map(({ text }) => text))
  }
  expect(rows.length).toBeGreaterThan(20)
  expect(broker.logged()).toContain('credential access')
  expect(found(`left by ${planted[0]}`)).toBe(true)
  expect(rows.filter(found)).toEqual([])
  expect(broker.logged().split('\n').filter(found)).toEqual([])
  expect(answers.filter(found)).toEqual([])
})
