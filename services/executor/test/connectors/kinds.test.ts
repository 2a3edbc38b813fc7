import type { IncomingHttpHeaders } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { connectorKinds } from '@opsconductor/contracts'
import { type Snmpd, type SshdPeer, startSnmpd, startSshd } from '@opsconductor/test-peers'
import { trustIn } from '../contract/peers-ssh.ts'
import { everythingKept, formsOf } from '../support/everything-kept.ts'
import { type ExecutorUnderTest, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { bearer, canary, connect, runSteps } from './connected.ts'

let executor: ExecutorUnderTest
let agent: Snmpd
let sshd: SshdPeer
let target: Awaited<ReturnType<typeof startTarget>>

const authorised = ({ authorization }: IncomingHttpHeaders) => authorization === `Bearer ${canary}`

beforeAll(async () => {
  const loopback = async () => [{ address: '127.0.0.1', family: 4 }]
  ;[executor, agent, sshd, target] = await Promise.all([
    startExecutor({ resolve: loopback }),
    startSnmpd(),
    startSshd(),
    startTarget(({ url, headers, body, method }, response) => {
      const asked: Record<string, unknown> = body === '' ? {} : JSON.parse(body)
      if (!authorised(headers)) return sendJson(response, {}, 401)
      if (url === '/api/once' && target.received.filter((one) => one.url === url).length === 1)
        return sendJson(response, {}, 503)
      // Echoes its caller's credential, as hostile or careless programs do.
      const echo = headers.authorization
      if (url !== '/v1/chat/completions') return sendJson(response, { url, method, asked, echo })
      sendJson(response, {
        model: `${asked.model}-0.1`,
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: `max ${asked.max_tokens} for ${echo}` },
            finish_reason: 'stop',
          },
        ],
        usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      })
    }),
  ])
  const databasePort = Number(new URL(executor.database.ownerUrl).port)
  await executor.open(target.port, agent.port, sshd.port, databasePort)
  executor.broker.hostKeys.push(trustIn(sshd, 'web-01.example.com'))
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await Promise.all([agent?.close(), sshd?.close(), target?.close()])
})

const step = (id: string, type: string, connector: string, input: object, more: object = {}) => ({
  ...{ id, type, connector, input },
  ...more,
})

test('001.22 a step of each kind of connector reaches its target with what opens it, which stays in no row and no log', async () => {
  const { database } = executor
  const api = connect(
    executor,
    'http_api',
    { base_url: `${target.url}/api`, headers: { 'X-Team': 'ops' } },
    bearer,
  )
  const source = connect(executor, 'datasource', { base_url: `${target.url}/data` }, bearer)
  const helper = connect(executor, 'external_agent', { url: `${target.url}/agent` }, bearer)
  const lookup = connect(
    executor,
    'tool',
    {
      url: `${target.url}/tool`,
      input_schema: { type: 'object', required: ['host'], properties: { host: { type: 'string' } } },
    },
    bearer,
  )
  const model = connect(
    executor,
    'llm',
    { base_url: `${target.url}/v1`, model: 'small', max_tokens: 50 },
    bearer,
  )
  const dsn = { type: 'db_dsn', secret: { dsn: database.urlOf('executor') } }
  const db = connect(executor, 'database', { read_only: true }, dsn)
  const host = connect(
    executor,
    'ssh_host',
    { host: 'web-01.example.com', port: sshd.port },
    { type: 'ssh', secret: { private_key: sshd.clientKey.privateKey }, extra: { username: sshd.username } },
  )
  const device = connect(
    executor,
    'snmp_device',
    { host: 'switch.example.com', port: agent.port },
    { type: 'snmp_community', secret: { community: 'public' }, extra: { version: 'v2c' } },
  )
  const used = [api, source, helper, lookup, model, db, host, device]
  expect(new Set(used.map(({ kind }) => kind))).toEqual(new Set(connectorKinds))
  const run = await runSteps(
    executor,
    [
      step('api', 'http.put', api.name, { url: '/orders/{{ input.id }}', json: { state: 'done' } }),
      step('source', 'http.get', source.id, { url: '/rows', query: { limit: 5 } }),
      step('helper', 'agent.call', helper.name, { input: { ticket: '{{ input.id }}' } }),
      step('lookup', 'tool.call', lookup.name, { arguments: { host: 'web-{{ input.id }}' } }),
      step('model', 'llm.call', model.name, { messages: [{ role: 'user', content: 'why?' }] }),
      step('db', 'sql.query', db.name, { sql: 'SELECT 1 AS one' }),
      step('host', 'ssh.exec', host.name, { command: 'echo ok' }),
      step('device', 'snmp.get', device.name, { oids: ['sysUpTime.0'] }),
    ],
    { id: 'a/b' },
  )
  expect([run.status, run.error]).toEqual(['succeeded', null])
  const outputs = Object.fromEntries(run.steps.map(({ step_id, output }) => [step_id, output]))
  const echo = 'Bearer [redacted]'
  expect(outputs).toMatchObject({
    api: { body: { url: '/api/orders/a%2Fb', method: 'PUT', asked: { state: 'done' }, echo } },
    source: { body: { url: '/data/rows?limit=5', method: 'GET' } },
    helper: { output: { url: '/agent', method: 'POST', asked: { input: { ticket: 'a/b' } }, echo } },
    lookup: { output: { url: '/tool', asked: { host: 'web-a/b' } } },
    model: {
      text: `max 50 for ${echo}`,
      finish_reason: 'stop',
      model: 'small-0.1',
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    },
    db: { rows: [{ one: 1 }] },
    host: { stdout: 'ok\n' },
    device: { values: [{ name: 'SNMPv2-MIB::sysUpTime.0' }] },
  })
  expect(target.received[0]?.headers['x-team']).toBe('ops')
  expect(
    executor.broker.lent
      .slice(-used.length)
      .map(({ reference }) => reference)
      .sort(),
  ).toEqual(used.map(({ id }) => id).sort())
  const kept = await everythingKept(executor, [run.id])
  for (const form of formsOf(canary)) expect([form, kept.includes(form)]).toEqual([form, false])
})

test('a loop, a retry and a skipped step use a connector as any other step does', async () => {
  const api = connect(executor, 'http_api', { base_url: `${target.url}/api` }, bearer)
  const before = target.received.length
  const run = await runSteps(executor, [
    {
      id: 'each',
      type: 'for_each',
      input: { items: ['x', 'y'] },
      steps: [step('get', 'http.get', api.name, { url: '/{{ item }}' })],
    },
    step('skipped', 'http.get', api.name, { url: '/never' }, { if: false }),
    step('again', 'http.get', api.name, { url: '/once' }),
  ])
  expect(run.status).toBe('succeeded')
  expect(target.received.slice(before).map(({ url }) => url)).toEqual([
    ...['/api/x', '/api/y'],
    ...['/api/once', '/api/once'],
  ])
})

test('a connector goes through bastions, as its steps do', async () => {
  const bastion = {
    name: 'bastion',
    host: 'web-01.example.com',
    port: sshd.port,
    credential: 'bastion login',
  }
  executor.broker.add({
    projectId: executor.projectId,
    name: 'bastion login',
    type: 'ssh',
    secret: { private_key: sshd.clientKey.privateKey },
    extra: { username: sshd.username },
  })
  expect((await executor.call('POST', '/api/bastions', bastion)).status).toBe(201)
  const api = connect(executor, 'http_api', { base_url: `http://localhost:${target.port}/api` }, bearer)
  const run = await runSteps(executor, [
    step('get', 'http.get', api.name, { url: '/x' }, { via: ['bastion'] }),
  ])
  expect([run.status, run.error]).toEqual(['succeeded', null])
})
