import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, callerAt, startAgent } from '../support/agent.ts'
import { createDeadServer, createPem, operationAt, until, untilOperation } from './support.ts'

let agent: AgentUnderTest
let dead: Awaited<ReturnType<typeof createDeadServer>>
const hosts = ['a.example.org', 'b.example.org', 'c.example.org']
beforeAll(async () => {
  agent = await startAgent()
  dead = await createDeadServer(agent, 'dead', hosts)
}, 60_000)
afterAll(() => agent?.stop())

const bring = (name: string, host: string, vhostId?: string) =>
  agent.call('POST', '/api/certificates/import', {
    ...{ name, pem: createPem(host), vhost_ids: vhostId === undefined ? [] : [vhostId] },
  })
const deploymentsOf = async (id: string) => {
  const { body } = await agent.call('GET', `/api/certificates/${id}`)
  return body.deployments
}
const newestDeploy = async (certificateId: string) => {
  const { body } = await agent.call(
    'GET',
    `/api/certificates/operations?kind=deploy&certificate_id=${certificateId}`,
  )
  return body.items[0]
}
const isTried = ({ progress }: { progress: { attempts?: number } }) => (progress.attempts ?? 0) > 0

test('004.08 a deployment that fails is tried again by itself, and shows why and when', async () => {
  const { status, body: certificate } = await bring('again', hosts[0] as string, dead.vhostIds[0])
  expect(status).toBe(201)
  const operation = await newestDeploy(certificate.id)
  const waiting = await untilOperation(agent.call, operation.id, isTried)
  expect(waiting).toMatchObject({ state: 'running', progress: { total: 1, done: 0, attempts: 1 } })
  expect(waiting.progress.error).toMatchObject({ code: 'target_unreachable' })
  const [deployment] = await until(
    () => deploymentsOf(certificate.id),
    ([one]) => one.retry_at !== null,
    'a retry',
  )
  expect(deployment).toMatchObject({ state: 'failed', attempts: 1, desired_version: 1, live_version: null })
  const inMs = new Date(deployment.retry_at).getTime() - new Date(deployment.updated_at).getTime()
  expect(inMs).toBeGreaterThan(50_000)
  expect(inMs).toBeLessThan(65_000)
}, 30_000)

test('a deployment that is asked for again takes the place of the one that waits', async () => {
  const { body: certificate } = await bring('replaced', hosts[1] as string, dead.vhostIds[1])
  const first = await newestDeploy(certificate.id)
  await untilOperation(agent.call, first.id, isTried)
  const again = await agent.call('POST', `/api/certificates/${certificate.id}/deploy`, {})
  expect(again.status).toBe(202)
  expect(again.headers.location).toBe(`/api/certificates/operations/${again.body.id}`)
  const ended = await untilOperation(agent.call, first.id, ({ state }) => state !== 'running')
  expect(ended).toMatchObject({ state: 'succeeded', result: { live: 0, superseded: 1 } })
  await untilOperation(agent.call, again.body.id, isTried)
}, 30_000)

test('an operation that waits is cancelled at once, and nothing is tried again', async () => {
  const { body: certificate } = await bring('cancelled', hosts[2] as string, dead.vhostIds[2])
  const { id } = await newestDeploy(certificate.id)
  await untilOperation(agent.call, id, isTried)
  const cancel = await agent.call('POST', `/api/certificates/operations/${id}/cancel`)
  expect(cancel.status).toBe(202)
  const ended = await untilOperation(agent.call, id, ({ finished_at }) => finished_at !== null)
  expect(ended).toMatchObject({ state: 'cancelled', error: { code: 'run_cancelled' } })
  expect((await deploymentsOf(certificate.id))[0]).toMatchObject({ retry_at: null, state: 'failed' })
  expect((await agent.call('POST', `/api/certificates/operations/${id}/cancel`)).status).toBe(409)
}, 30_000)

test('whoever watches an operation is told how it goes on, and the stream ends with it', async () => {
  const { body: certificate } = await bring('watched', 'd.example.org')
  await agent.owner.query('UPDATE cert_agent.vhosts SET certificate_id = $1 WHERE id = $2', [
    certificate.id,
    dead.vhostIds[0],
  ])
  const { body: operation } = await agent.call('POST', `/api/certificates/${certificate.id}/deploy`, {})
  const watch = async () => {
    const answer = await fetch(
      new URL(`/api/certificates/operations/${operation.id}/events`, agent.publicUrl),
      { headers: { authorization: `Bearer ${agent.token}` } },
    )
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    return answer.text()
  }
  const watching = Array.from({ length: 20 }, watch)
  await untilOperation(agent.call, operation.id, isTried)
  await agent.call('POST', `/api/certificates/operations/${operation.id}/cancel`)
  for (const text of await Promise.all(watching)) {
    const events = text.split('\n\n').filter((event) => event.startsWith('event: operation'))
    const states = events.map((event) => JSON.parse(event.split('data: ')[1] as string).state)
    expect(['queued', 'running']).toContain(states.at(0))
    expect(states.at(-1)).toBe('cancelled')
  }
  expect(agent.deps.watchers.has(operation.id)).toBe(false)
}, 30_000)

test('004.15 a batch starts an operation for each certificate, and says what became of each', async () => {
  const { rows } = await agent.owner.query<{ id: string }>(
    "SELECT id FROM cert_agent.certificates WHERE name IN ('again', 'replaced', 'cancelled') ORDER BY name",
  )
  const spare = await bring('nowhere', 'e.example.org')
  const ids = [...rows.map(({ id }) => id), spare.body.id]
  // Its virtual host was given to another certificate above.
  await agent.owner.query(
    "UPDATE cert_agent.vhosts SET certificate_id = $1 WHERE names[1] = 'a.example.org'",
    [ids[0]],
  )
  const batch = await agent.call('POST', '/api/certificates/batch', {
    ...{ action: 'deploy', certificate_ids: ids, concurrency: 2 },
  })
  expect(batch.status).toBe(202)
  const ended = await untilOperation(agent.call, batch.body.id, ({ finished_at }) => finished_at !== null)
  expect(ended.result).toMatchObject({ total: 4, succeeded: 0, retrying: 3, skipped: 1 })
  expect(ended.result.items[0]).toMatchObject({
    ...{ certificate_id: ids[0], state: 'retrying', error: { code: 'target_unreachable' } },
  })
  const items = await agent.call('GET', `/api/certificates/operations?batch_id=${batch.body.id}`)
  expect(items.body.items).toHaveLength(3)
}, 30_000)

test('004.LOG-1 every operation is in the log, and in the audit log with who asked for it', async () => {
  const { body } = await agent.call('GET', '/api/certificates/operations?limit=200')
  const kinds = new Set(body.items.map(({ kind }: { kind: string }) => kind))
  expect([...kinds].sort()).toEqual(['batch', 'deploy', 'import'])
  const audit = await agent.call('GET', '/api/certificates/audit?limit=200')
  const actions = audit.body.items.map(({ action }: { action: string }) => action)
  expect(actions).toEqual(
    expect.arrayContaining(['certificate.import', 'operation.start', 'operation.cancel', 'operation.deploy']),
  )
  for (const { actor } of audit.body.items) expect(actor).toBe(`user:${agent.userId}`)
})

test('lists are paged without a gap or a repetition', async () => {
  const ids = async (path: string): Promise<string[]> => {
    const all: string[] = []
    for (let cursor = ''; ; ) {
      const { body } = await agent.call('GET', `${path}?limit=3${cursor}`)
      all.push(...body.items.map(({ id }: { id: string }) => id))
      if (body.next_cursor === null) return all
      cursor = `&cursor=${body.next_cursor}`
    }
  }
  for (const [path, table] of [
    ['/api/certificates/operations', 'operations'],
    ['/api/certificates/audit', 'audit_log'],
    ['/api/certificates', 'certificates'],
  ] as const) {
    const found = await ids(path)
    const { rows } = await agent.owner.query(`SELECT count(*)::int AS count FROM cert_agent.${table}`)
    expect(new Set(found).size).toBe(found.length)
    expect(found.length).toBe(rows[0].count)
  }
})

test("another project's operations are not there", async () => {
  const other = await agent.createProject()
  const call = callerAt(agent.publicUrl, other.token)
  const { body } = await agent.call('GET', '/api/certificates/operations?limit=1')
  const { id } = body.items[0]
  for (const [method, path] of [
    ['GET', `/api/certificates/operations/${id}`],
    ['GET', `/api/certificates/operations/${id}/events`],
    ['POST', `/api/certificates/operations/${id}/cancel`],
  ] as const)
    expect((await call(method, path)).status).toBe(404)
  expect((await call('GET', '/api/certificates/operations')).body.items).toEqual([])
  expect((await call('GET', '/api/certificates/audit')).body.items).toEqual([])
  expect(await operationAt(agent.call, id)).toMatchObject({ id })
})
