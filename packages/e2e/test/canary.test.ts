import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { createTestCertificates } from '@opsconductor/test-peers'
import { type Answer, type Call, createCaller, must, signIn } from '../src/client.ts'
import { type Platform, startPlatform, waitFor } from '../src/platform.ts'
import { createKey, createProject, publishJob } from '../src/publish.ts'
import { startTargetServer, type TargetServer } from '../src/target-server.ts'
import { readHistories, readLogs, readTables } from '../src/what-is-kept.ts'

jest.setTimeout(180_000)

const canary = (name: string) => `canary-${name}-${randomBytes(9).toString('hex')}`
const secrets = {
  basic: canary('basic'),
  bearer: canary('bearer'),
  apiKey: canary('apikey'),
  database: canary('database'),
  host: canary('host'),
  login: canary('login-password'),
  connector: canary('connector'),
  ssh: canary('ssh'),
  /** A line of its PEM. */
  certificateKey: '',
}

let platform: Platform
let target: TargetServer
let projectId: string
let key: string
let tested: Record<string, string>
let connected: Record<string, string>
const answers: string[] = []
const seen = async <Body>(answer: Promise<Answer<Body>>) => {
  const got = await answer
  answers.push(got.text, JSON.stringify([...got.headers]))
  return got
}

/** A target that gives back every header it was sent, in the body and in a header, as a careless one would. */
async function startEchoingTarget(): Promise<TargetServer> {
  return startTargetServer((request, response) => {
    const authorization = String(request.headers.authorization ?? request.headers['x-api-key'] ?? '')
    const decoded = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString('latin1')
    response.writeHead(request.path === '/fail' ? 500 : 200, {
      'content-type': 'application/json',
      'x-echo': authorization,
    })
    response.end(
      JSON.stringify({
        headers: request.headers,
        url: request.path,
        decoded,
        quoted: JSON.stringify({ authorization }),
      }),
    )
  })
}

async function plantCredentials(api: Call): Promise<void> {
  const database = new URL(platform.stack.database_url)
  database.username = 'nobody'
  database.password = secrets.database
  const bodies = [
    { name: 'basic', type: 'http_basic', secret: { password: secrets.basic }, extra: { username: 'u' } },
    { name: 'bearer', type: 'bearer_token', secret: secrets.bearer },
    { name: 'api-key', type: 'api_key', secret: secrets.apiKey },
    { name: 'database', type: 'db_dsn', secret: { dsn: database.href } },
  ]
  for (const body of bodies) await must(seen(api('POST', '/api/credentials', { body })))
  const internal = createCaller(
    (platform.stack.services['secrets-broker'] as { internal_url: string }).internal_url,
    {
      'x-internal-key': platform.stack.internal_key,
    },
  )
  const host = { host: 'db1.example', purpose: 'ssh', username: 'root', password: secrets.host }
  await must(seen(internal('POST', '/internal/secrets/credential-upsert', { body: host })))
  const found = await must(
    internal<{ password: string }>('POST', '/internal/secrets/credential-lookup', { body: host }),
  )
  expect(found.password).toBe(secrets.host)
}

async function plantConnectors(api: Call): Promise<void> {
  const credentials = { type: 'bearer_token', secret: secrets.connector }
  for (const [name, kind, settings] of [
    ['model', 'llm', { base_url: `${target.url}/v1`, model: 'm' }],
    ['data', 'datasource', { base_url: `${target.url}/ok` }],
    ['failing-data', 'datasource', { base_url: `${target.url}/fail` }],
    ['inward-data', 'datasource', { base_url: 'http://169.254.169.254/' }],
  ] as const)
    await must(seen(api('POST', '/api/connectors', { body: { name, kind, settings, credentials } })))
}

/** A certificate with its key, and an operation on a server that is none, which tries again and again. */
async function plantCertificates(api: Call): Promise<void> {
  const { server, ca } = createTestCertificates(['shop.example.com'])
  secrets.certificateKey = server.key.split('\n')[2] as string
  const pem = server.key + server.cert + ca
  await must(seen(api('POST', '/api/certificates/import', { body: { name: 'shop', pem } })))
  const login = { type: 'ssh', secret: { password: secrets.ssh }, extra: { username: 'deploy' } }
  await must(seen(api('POST', '/api/credentials', { body: { name: 'login', ...login } })))
  const body = { name: 'web', host: '127.0.0.1', port: target.port, credential: 'login' }
  const { id } = await must(seen(api<{ id: string }>('POST', '/api/servers', { body })))
  const operation = await must(
    seen(api<{ status_url: string }>('POST', `/api/servers/${id}/discover`, { body: {} })),
  )
  await waitFor('the operation to be tried', 20_000, async () => {
    const { progress, error } = await must(
      seen(api<{ progress: object; error: object | null }>('GET', operation.status_url)),
    )
    return Object.keys(progress).length > 0 || error !== null
  })
  for (const list of ['certificates', 'servers', 'certificates/operations', 'certificates/audit'])
    await must(seen(api('GET', `/api/${list}`)))
}

const httpStep = (id: string, credential: string, path = '/ok') => ({
  id,
  type: 'http.get',
  credential,
  input: { url: `${target.url}${path}` },
  max_attempts: 1,
})

async function runJobs(api: Call): Promise<void> {
  const jobs = [
    {
      name: 'echo',
      steps: [
        httpStep('a', 'basic'),
        httpStep('b', 'bearer'),
        httpStep('c', 'api-key'),
        { id: 'd', type: 'http.get', connector: 'data', input: { url: '' }, max_attempts: 1 },
      ],
      output: { a: '{{ steps.a }}', b: '{{ steps.b }}', c: '{{ steps.c }}', d: '{{ steps.d }}' },
    },
    { name: 'fails', steps: [httpStep('a', 'basic', '/fail')] },
    {
      name: 'wrong-database',
      steps: [
        { id: 'q', type: 'sql.query', credential: 'database', input: { sql: 'SELECT 1' }, max_attempts: 1 },
      ],
    },
  ]
  const statuses: number[] = []
  for (const job of jobs) {
    const { url } = await publishJob(api, job)
    const answer = await seen(createCaller(url)('POST', url, { body: {}, headers: { 'x-api-key': key } }))
    statuses.push(answer.status)
    const runs = await must(seen(api<{ items: { id: string }[] }>('GET', '/api/runs')))
    for (const { id } of runs.items) await must(seen(api('GET', `/api/runs/${id}`)))
  }
  expect(statuses).toEqual([200, 502, 502])
}

/** Tests each credential, on a target that echoes it and on one that fails; answers what came of it. */
async function testCredentials(api: Call): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {}
  for (const [name, path] of [
    ['basic', '/ok'],
    ['bearer', '/fail'],
    ['api-key', '/ok'],
    ['database', undefined],
  ] as const) {
    const found = await must(api<{ items: { id: string }[] }>('GET', `/api/credentials?name=${name}`))
    const body = path === undefined ? {} : { url: target.url + path }
    const tested = await must(
      seen(
        api<{ ok: boolean; code?: string }>('POST', `/api/credentials/${found.items[0]?.id}/test`, { body }),
      ),
    )
    outcomes[name] = tested.code ?? String(tested.ok)
  }
  return outcomes
}

/** Tests each connector; answers what came of it. */
async function testConnectors(api: Call): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {}
  const { items } = await must(
    seen(api<{ items: { id: string; name: string }[] }>('GET', '/api/monitoring/connectivity')),
  )
  for (const { id, name } of items) {
    const { status, code } = await must(
      seen(api<{ status: string; code: string | null }>('POST', `/api/connectors/${id}/test`, { body: {} })),
    )
    outcomes[name] = code ?? status
    await must(seen(api('GET', `/api/connectors/${id}`)))
    await must(seen(api('GET', `/api/connectors/${id}/access-log`)))
  }
  return outcomes
}

beforeAll(async () => {
  platform = await startPlatform(12_000)
  target = await startEchoingTarget()
  const admin = await signIn(platform)
  projectId = await createProject(admin, 'canaries')
  const api = await signIn(platform, projectId)
  const databasePort = Number(new URL(platform.stack.database_url).port)
  await must(
    api('PUT', '/api/outbound-policy', {
      body: { allow: [{ cidr: '127.0.0.0/8', ports: [target.port, databasePort] }] },
    }),
  )
  key = (await createKey(api, 'client')).key
  await plantCredentials(api)
  await plantConnectors(api)
  await plantCertificates(api)
  await seen(
    createCaller(platform.stack.gateway_url)('POST', '/api/session', {
      body: { email: 'nobody@example.com', password: secrets.login },
    }),
  )
  await runJobs(api)
  tested = await testCredentials(api)
  connected = await testConnectors(api)
  await must(seen(api('GET', '/api/credentials')))
  await must(seen(api('GET', '/api/keys')))
})
afterAll(async () => {
  await target?.close()
  await platform?.stop()
})

/** Every form that a secret could leak in. */
const formsOf = (secret: string) => [
  secret,
  Buffer.from(secret).toString('base64').slice(0, -4),
  Buffer.from(`u:${secret}`).toString('base64').slice(4, -4),
  Buffer.from(secret).toString('hex'),
]
const planted = () => [...Object.values(secrets), key]
const leaks = (text: string) =>
  planted()
    .flatMap(formsOf)
    .filter((form) => text.includes(form))

test('000.44 the target did receive the secrets, so that what follows proves something', () => {
  const received = JSON.stringify(target.requests)
  for (const secret of [
    secrets.bearer,
    secrets.apiKey,
    secrets.connector,
    Buffer.from(`u:${secrets.basic}`).toString('base64'),
  ])
    expect(received).toContain(secret)
})

test('001.06 001.23 each credential was tried on its target through broker and executor, and the answer says how it went', () => {
  expect(tested).toEqual({
    basic: 'true',
    bearer: 'target_failed',
    'api-key': 'true',
    database: 'credential_refused',
  })
})

test('001.23a 001.23c each connector was tried through registry, executor and broker, as its project may reach it', () => {
  expect(connected).toEqual({
    model: 'ok',
    data: 'ok',
    'failing-data': 'target_failed',
    'inward-data': 'outbound_denied',
  })
})

test('001.09 no answer of any API holds a secret', () => {
  expect(answers.length).toBeGreaterThan(20)
  expect(leaks(answers.join('\n'))).toEqual([])
})

test('001.10 no log holds a secret', () => {
  const logs = readLogs(platform)
  expect(logs).toContain('executor')
  expect(leaks(logs)).toEqual([])
})

test('001.11 002.03 003.12 no row of any table holds a secret', async () => {
  const tables = await readTables(platform.stack.database_url)
  const dump = [...tables.values()].join('\n')
  expect(tables.get('cert_agent.certificates')).toContain('shop.example.com')
  expect(dump).toContain(`${target.url}/ok`)
  expect(leaks(dump)).toEqual([])
})

test('000.46 no Temporal history holds a secret', async () => {
  const histories = await readHistories(platform, `project-${projectId}`)
  expect(histories.length).toBe(3)
  expect(histories.join('\n').includes('http.get')).toBe(true)
  expect(leaks(histories.join('\n'))).toEqual([])
  const operations = await readHistories(platform, 'opsconductor-system')
  expect(operations.join('\n').includes('runOperation')).toBe(true)
  expect(leaks(operations.join('\n'))).toEqual([])
})

test('no file below the stack’s home holds a secret in the clear, the keys’ own directory apart', () => {
  for (const secret of Object.values(secrets)) {
    const found = execFileSync(
      'sh',
      ['-c', `grep -rlF -e '${secret}' ${platform.home} --exclude-dir=keys || true`],
      { encoding: 'utf8' },
    )
    expect(found).toBe('')
  }
})

test('files with keys can be read by their owner only', () => {
  const loose = execFileSync(
    'sh',
    ['-c', `find ${platform.home}/keys ${platform.home}/stack.json -perm /077`],
    { encoding: 'utf8' },
  )
  expect(loose).toBe('')
})
