import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:https'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { workflowIdOf } from '@opsconductor/contracts'
import { createTestCertificates, startOAuth2Peer, testInternalKey } from '@opsconductor/test-peers'
import pg from 'pg'
import { request } from 'undici'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'

let executor: ExecutorUnderTest
let owner: pg.Client
let target: Awaited<ReturnType<typeof startTarget>>
let peer: Awaited<ReturnType<typeof startOAuth2Peer>>
let secure: Server
let securePort: number
let ports: number[]
const note = randomBytes(12).toString('hex')

beforeAll(async () => {
  peer = await startOAuth2Peer()
  target = await startTarget(({ url, headers }, response) => {
    const { pathname } = new URL(url, 'http://x')
    if (pathname === '/moved') response.writeHead(302, { location: '/here' }).end()
    else if (pathname === '/file') response.writeHead(200, { 'content-type': 'text/plain' }).end(note)
    else sendJson(response, { echo: headers.authorization ?? null })
  })
  const { server } = createTestCertificates()
  secure = createServer({ key: server.key, cert: server.cert }, (_, response) => void response.end('secure'))
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve))
  securePort = (secure.address() as { port: number }).port
  executor = await startExecutor()
  owner = new pg.Client({ connectionString: executor.database.ownerUrl })
  await owner.connect()
  ports = [target.port, peer.port, securePort]
  await executor.open(...ports)
  executor.broker.add({
    projectId: executor.projectId,
    name: 'client',
    type: 'oauth2_client',
    secret: { client_secret: peer.clients.service.secret },
    extra: { client_id: 'service', token_url: peer.tokenUrl, auth_style: 'basic' },
  })
}, 60_000)
afterAll(async () => {
  secure?.closeAllConnections()
  secure?.close()
  await owner?.end()
  await executor?.stop()
  await Promise.all([target?.close(), peer?.close()])
})

const get = (path: string, more: object = {}, step: object = {}) => ({
  ...{ id: 'fetch', type: 'http.get', input: { url: target.url + path, ...more } },
  ...step,
})
async function runStep(step: object) {
  const job = await createJob(executor, { steps: [step] })
  return await runToEnd(executor, job.id)
}
const rowsOf = async (run: { steps: { id: string }[] }) =>
  (
    await owner.query('SELECT * FROM executor.http_requests WHERE job_run_step_id = ANY($1) ORDER BY id', [
      run.steps.map(({ id }) => id),
    ])
  ).rows

test('000.02 000.07 a token that a step was given stands nowhere: not in its result, its records, nor its history', async () => {
  const run = await runStep(get('/', {}, { credential: 'client' }))
  const token = target.received.at(-1)?.headers.authorization?.replace('Bearer ', '') ?? ''
  expect(await peer.isValid(token)).toBe(true)
  expect(run).toMatchObject({ status: 'succeeded', output: { body: { echo: 'Bearer [redacted]' } } })
  const rows = await rowsOf(run)
  expect(rows.map((row) => [row.method, row.response_status_code])).toEqual([
    ['POST', 200],
    ['GET', 200],
  ])
  const client = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  const history = await client.workflow.getHandle(workflowIdOf(run.id)).fetchHistory()
  const kept = JSON.stringify([run, rows, executor.lines, history], (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
  )
  expect(kept).toContain('Bearer [redacted]')
  for (const secret of [token, peer.clients.service.secret]) expect(kept).not.toContain(secret)
})

test('a check of the credential asks for a token anew: one that is kept proves nothing', async () => {
  const before = peer.asked.length
  for (let i = 0; i < 2; i++) {
    const answer = await request(`${executor.internalUrl}/internal/checks`, {
      method: 'POST',
      headers: { 'x-internal-key': testInternalKey, 'content-type': 'application/json' },
      body: JSON.stringify({
        check_id: randomUUID(),
        project_id: executor.projectId,
        credential: 'client',
        check: { kind: 'http', url: target.url },
      }),
    })
    expect(await answer.body.json()).toMatchObject({ ok: true })
  }
  expect(peer.asked.length - before).toBe(2)
})

test('000.07 each hop of a redirect has its row', async () => {
  const rows = await rowsOf(await runStep(get('/moved', { redirects_max: 1 })))
  expect(rows.map(({ url, response_status_code: status }) => [url, status])).toEqual([
    [`${target.url}/moved`, 302],
    [`${target.url}/here`, 200],
  ])
})

test('an exchange with somebody whom nobody verified is marked, in the result and in its row', async () => {
  const input = { url: `https://127.0.0.1:${securePort}/`, tls: { verify: false } }
  const run = await runStep({ id: 'fetch', type: 'http.get', input })
  expect(run.output).toMatchObject({ body: 'secure', tls_unverified: true })
  expect((await rowsOf(run))[0]).toMatchObject({ tls_unverified: true })
  const [verified] = await rowsOf(await runStep(get('/')))
  expect(verified).toMatchObject({ tls_unverified: false })
})

test('a body goes into an artefact of the run', async () => {
  const run = await runStep(get('/file', { save_as: 'note.txt' }))
  expect(run.output).toMatchObject({ body: null, artefact: { name: 'note.txt', bytes: note.length } })
  const list = await executor.call('GET', `/api/runs/${run.id}/artefacts`)
  expect(list.body.items).toMatchObject([{ id: run.output.artefact.id, name: 'note.txt' }])
  expect((await rowsOf(run))[0].response_body).toBeNull()
})

test('000.48 the outbound policy is kept as it is given, and what it denies is not reached', async () => {
  const allow = [{ cidr: '127.0.0.1', ports }]
  const policy = { allow, deny: [{ cidr: '127.0.0.1', ports: [target.port] }, { host: '*.evil.example' }] }
  expect((await executor.call('PUT', '/api/outbound-policy', policy)).status).toBe(200)
  expect((await executor.call('GET', '/api/outbound-policy')).body).toEqual(policy)
  expect((await runStep(get('/'))).error.code).toBe('outbound_denied')
  for (const only of [[{ host: 'localhost' }], [{ cidr: '10.0.0.0/8' }], []]) {
    await executor.call('PUT', '/api/outbound-policy', { allow, only })
    expect((await runStep(get('/'))).error.code).toBe('outbound_denied')
  }
  await executor.call('PUT', '/api/outbound-policy', { allow, only: [{ cidr: '127.0.0.0/8' }] })
  expect((await runStep(get('/'))).status).toBe('succeeded')
})

test.each<[string, object, string]>([
  ['neither address nor name', { deny: [{ ports: [80] }] }, 'body.deny[0]'],
  ['both', { deny: [{ cidr: '10.0.0.0/8', host: 'a.example' }] }, 'body.deny[0]'],
  ['no CIDR', { only: [{ cidr: '10.0.0.0/33' }] }, 'body.only[0].cidr'],
  ['an address as a name', { deny: [{ host: '10.0.0.1' }] }, 'body.deny[0].host'],
  ['a pattern in the middle', { deny: [{ host: 'a.*.example' }] }, 'body.deny[0].host'],
  ['a URL', { tls12_hosts: ['https://a.example/'] }, 'body.tls12_hosts[0]'],
  ['a port that is none', { deny: [{ host: 'a.example', ports: [0] }] }, 'body.deny[0].ports[0]'],
  ['a rule of its own', { permit: [] }, 'body'],
])('a policy with %s is refused by its path', async (_, more, path) => {
  const { status, body } = await executor.call('PUT', '/api/outbound-policy', { allow: [], ...more })
  expect([status, body.errors[0].path]).toEqual([422, path])
})
