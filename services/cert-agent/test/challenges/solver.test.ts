import { randomUUID } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Challenge } from '@opsconductor/contracts'
import { type BindPeer, startBind } from '@opsconductor/test-peers'
import { request } from 'undici'
import type { Solver } from '../../src/challenges/solver.ts'
import { solverFor } from '../../src/challenges/solver-for.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
let bind: BindPeer
let account: { id: string }
beforeAll(async () => {
  bind = await startBind([
    '_acme-challenge.away CNAME away.alias.test.',
    '_acme-challenge.ring CNAME ring.alias.test.',
    '_acme-challenge.odd CNAME a\\010b.alias.test.',
  ])
  agent = await startAgent({ environment: { DNS_RESOLVERS: bind.address } })
  agent.executor.open(bind.port)
  account = await addAccount('dns', {})
})
afterAll(async () => {
  await Promise.all([agent?.stop(), bind?.close()])
})

async function addAccount(name: string, settings: object): Promise<{ id: string }> {
  const { name: key_name, algorithm, secret } = bind.keys['hmac-sha256']
  const { projectId } = agent
  agent.broker.add({ projectId, name, type: 'tsig', secret: { secret }, extra: { key_name, algorithm } })
  const made = await agent.call('POST', '/api/certificates/dns-accounts', {
    ...{ name, provider: 'rfc2136', credential: name },
    settings: { server: '127.0.0.1', port: bind.port, ...settings },
  })
  return made.body
}

const dns = (more: object = {}): Challenge => ({
  ...{ type: 'dns-01', dns_account_id: account.id, alias: null },
  ...more,
})
const solver = (
  challenges: readonly Challenge[],
  more: { signal?: AbortSignal; now?: () => Date } = {},
): Solver =>
  solverFor(
    { ...agent.deps, ...(more.now && { now: more.now }) },
    {
      ...{ projectId: agent.projectId, operationId: randomUUID(), actor: 'tester', challenges },
      signal: more.signal ?? new AbortController().signal,
    },
  )
const thumbprint = 't'.repeat(43)
const response = (token = randomUUID().replaceAll('-', '')) => ({
  token,
  keyAuthorization: `${token}.${thumbprint}`,
})

async function valuesOf(fqdn: string): Promise<string[]> {
  const resolver = new Resolver()
  resolver.setServers([bind.address])
  return (await resolver.resolveTxt(fqdn).catch(() => [])).map((parts) => parts.join(''))
}
const asked = (token: string) => request(`${agent.publicUrl}/.well-known/acme-challenge/${token}`)

test('004.10 http-01 by the gateway: whoever asks gets the answer as text, until it is cleaned up', async () => {
  const [one, other] = [response(), response()]
  const { choose, present, visible, cleanUp } = solver([])
  expect(choose('a.test')).toBe('http-01')
  for (const each of [one, one, other]) await present('a.test', each)
  await visible('a.test', one)
  const answer = await asked(one.token)
  expect([answer.statusCode, answer.headers['content-type'], await answer.body.text()]).toEqual([
    200,
    'text/plain; charset=utf-8',
    one.keyAuthorization,
  ])
  await cleanUp('a.test', one)
  expect((await asked(one.token)).statusCode).toBe(404)
  expect((await asked(other.token)).statusCode).toBe(200)
})

test.each(['nobody', '..%2f..%2fetc%2fpasswd', 'a%00b', "x'%20OR%201=1", 'x'.repeat(300), '%E0%A4%A'])(
  'a challenge of %j is not there',
  async (token) => {
    const { statusCode, body } = await asked(token)
    await body.dump()
    expect([400, 404]).toContain(statusCode)
  },
)

test('a token that stands for another challenge is not taken over, nor taken away by who did not put it there', async () => {
  const first = response()
  const second = { token: first.token, keyAuthorization: `${first.token}.${'o'.repeat(43)}` }
  await solver([]).present('a.test', first)
  await expect(solver([]).present('a.test', second)).rejects.toMatchObject({ code: 'conflict' })
  await solver([]).cleanUp('a.test', second)
  expect(await (await asked(first.token)).body.text()).toBe(first.keyAuthorization)
})

test('a challenge that is past its time is not answered, and is swept away', async () => {
  const late = response()
  await solver([], { now: () => new Date(Date.now() - 3_700_000) }).present('a.test', late)
  expect((await asked(late.token)).statusCode).toBe(404)
  await agent.deps.httpChallenges.removeExpired(new Date())
  const { rows } = await agent.owner.query('SELECT 1 FROM cert_agent.http_challenges WHERE token = $1', [
    late.token,
  ])
  expect(rows).toEqual([])
})

test.each<[string, { token: string; keyAuthorization: string }]>([
  ['a path', response('../../etc/passwd')],
  ['shell text', response('$(id)')],
  ['nothing', response('')],
  ['an answer for another token', { token: 'a', keyAuthorization: `b.${thumbprint}` }],
  ['a digest in place of the answer', { token: 'a', keyAuthorization: thumbprint }],
])('a challenge of the CA with %s is refused before anything is written', async (_what, given) => {
  await expect(solver([]).present('a.test', given)).rejects.toMatchObject({ code: 'target_refused' })
  await expect(solver([dns()]).present('a.zone.test', given)).rejects.toMatchObject({
    code: 'target_refused',
  })
})

test('004.10 dns-01: a name and its wildcard have both values under one name, and each is cleaned up by itself', async () => {
  const { choose, present, visible, cleanUp } = solver([dns()])
  const names = ['both.zone.test', '*.both.zone.test']
  const shown = names.map((name) => ({ name, given: response() }))
  expect(names.map(choose)).toEqual(['dns-01', 'dns-01'])
  await Promise.all(shown.map(({ name, given }) => present(name, given)))
  await Promise.all(shown.map(({ name, given }) => visible(name, given)))
  expect(await valuesOf('_acme-challenge.both.zone.test')).toHaveLength(2)
  for (const [index, { name, given }] of shown.entries()) {
    await cleanUp(name, given)
    expect(await valuesOf('_acme-challenge.both.zone.test')).toHaveLength(1 - index)
  }
})

test('dns-01 follows the CNAME of a name, or goes where its alias says', async () => {
  const [followed, said] = [response(), response()]
  await solver([dns()]).present('away.zone.test', followed)
  expect(await valuesOf('away.alias.test')).toHaveLength(1)
  const aliased = solver([dns({ alias: 'said.alias.test' })])
  await aliased.present('elsewhere.example', said)
  await aliased.visible('elsewhere.example', said)
  expect(await valuesOf('said.alias.test')).toHaveLength(1)
})

test('a CNAME to what is no plain name is refused', async () => {
  await expect(solver([dns()]).present('odd.zone.test', response())).rejects.toMatchObject({
    code: 'target_refused',
  })
})

test('a CNAME that leads out of the zones of the account is refused', async () => {
  const limited = await addAccount('limited', { zones: ['zone.test'] })
  await expect(
    solver([dns({ dns_account_id: limited.id })]).present('away.zone.test', response()),
  ).rejects.toThrow('belongs at away.alias.test, outside the zones of its DNS account')
})

test('a record that is not seen in time is an error in words', async () => {
  let asked = 0
  const now = () => {
    asked += 1
    return new Date(Date.now() + asked * 200_000)
  }
  await expect(solver([dns()], { now }).visible('unseen.zone.test', response())).rejects.toMatchObject({
    code: 'target_failed',
    message:
      'The TXT record of _acme-challenge.unseen.zone.test was written, and not seen in DNS within 300 seconds.',
  })
})

test('what was presented is cleaned up though the operation was stopped meanwhile', async () => {
  const stop = new AbortController()
  const given = response()
  const { present, visible, cleanUp } = solver([dns()], { signal: stop.signal })
  await present('stopped.zone.test', given)
  const waiting = visible('stopped.zone.test', response())
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  await cleanUp('stopped.zone.test', given)
  expect(await valuesOf('_acme-challenge.stopped.zone.test')).toEqual([])
})

test('what cannot be cleaned up is in the log and the audit log, and breaks nothing', async () => {
  const { id: dns_account_id } = await addAccount('gone', {})
  const given = response()
  await solver([dns({ dns_account_id })]).present('gone.zone.test', given)
  await agent.call('DELETE', `/api/certificates/dns-accounts/${dns_account_id}`)
  await solver([dns({ dns_account_id })]).cleanUp('gone.zone.test', given)
  const { rows } = await agent.owner.query(
    "SELECT outcome, detail FROM cert_agent.audit_log WHERE detail ->> 'name' = 'gone.zone.test' ORDER BY id",
  )
  expect(rows).toEqual([
    { outcome: 'succeeded', detail: { name: 'gone.zone.test', type: 'dns-01' } },
    { outcome: 'failed', detail: { name: 'gone.zone.test', type: 'dns-01', code: 'step_failed' } },
  ])
  expect(agent.lines.some((line) => line.includes('a challenge was left behind'))).toBe(true)
})

test('where nothing was put anywhere there is nothing to clean up', async () => {
  const outside = solver([
    dns({ dns_account_id: (await addAccount('outside', { zones: ['other.test'] })).id }),
  ])
  const given = response()
  await expect(outside.present('never.zone.test', given)).rejects.toMatchObject({ code: 'target_refused' })
  for (const each of [given, response()]) await outside.cleanUp('never.zone.test', each)
  const { rows } = await agent.owner.query(
    "SELECT action, outcome FROM cert_agent.audit_log WHERE detail ->> 'name' = 'never.zone.test'",
  )
  expect(rows).toEqual([{ action: 'challenge.present', outcome: 'failed' }])
})

test('neither the key of the account nor an answer to a challenge is in a log line or an audit row', async () => {
  const { rows } = await agent.owner.query('SELECT detail FROM cert_agent.audit_log')
  const said = [...agent.lines, JSON.stringify(rows)].join('\n')
  for (const secret of [bind.keys['hmac-sha256'].secret, thumbprint]) expect(said).not.toContain(secret)
})
