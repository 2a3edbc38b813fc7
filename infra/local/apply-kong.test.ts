import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { getGlobalDispatcher, request } from 'undici'
import { type Gateway, startGateway } from '../../kong/dev-gateway/src/gateway.ts'
import { applyStaticRoutes } from './apply-kong.ts'

const services = ['API_KEY', 'SECRETS_BROKER', 'EXECUTOR', 'INTERFACE_REGISTRY', 'CERT_AGENT', 'CONSOLE']
let gateway: Gateway
let urls: Record<string, string>
const upstreams: Server[] = []

/** Answers its own name, and the path it was asked for. */
async function startUpstream(name: string): Promise<string> {
  const server = createServer((incoming, answer) => {
    incoming.resume()
    answer.setHeader('content-type', 'application/json')
    answer.end(JSON.stringify({ name, url: incoming.url }))
  })
  upstreams.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  gateway = await startGateway()
  urls = Object.fromEntries(
    await Promise.all(
      services.map(async (name) => [`${name}_PUBLIC_URL`, await startUpstream(name)] as const),
    ),
  )
})
afterAll(async () => {
  await gateway.stop()
  for (const server of upstreams) server.close()
})

interface Entity {
  id: string
  name: string
}
async function ask(origin: string, path: string, options: { method?: string; body?: unknown } = {}) {
  // Not by a URL, which would tidy the path before it is sent.
  const answer = await getGlobalDispatcher().request({
    origin,
    path,
    method: (options.method ?? 'GET') as 'GET',
    headers: { 'content-type': 'application/json' },
    body: options.body === undefined ? null : JSON.stringify(options.body),
  })
  const text = await answer.body.text()
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as {
    name?: string
    url?: string
    message?: string
    data?: Entity[]
  }
  return { status: answer.statusCode, headers: answer.headers, body }
}
const through = (path: string, options = {}) => ask(gateway.proxyUrl, path, options)
const admin = (path: string, options = {}) => ask(gateway.adminUrl, path, options)
const apply = () => applyStaticRoutes({ adminUrl: gateway.adminUrl, urls })

test('each static path leads to its service, with path and query as they came', async () => {
  await apply()
  const cases = {
    API_KEY: [
      '/api/session',
      '/api/session/refresh',
      '/api/users',
      '/api/projects/1/members',
      '/api/keys?a=b%20c',
    ],
    SECRETS_BROKER: ['/api/credentials/1', '/api/host-credentials'],
    EXECUTOR: [
      '/api/jobs',
      '/api/runs/1',
      '/api/step-types',
      '/api/outbound-policy',
      '/api/bastions/1',
      '/api/mibs/X',
      '/api/webhook-endpoints',
    ],
    INTERFACE_REGISTRY: ['/api/workflows', '/api/workflows/1/interfaces', '/api/interfaces/1'],
    CERT_AGENT: [
      '/api/servers',
      '/api/servers/1/vhosts/2?limit=3',
      '/api/certificates',
      '/api/certificates/1/deploy',
      '/.well-known/acme-challenge/LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0',
    ],
    CONSOLE: ['/', '/docs', '/docs/openapi.json'],
  }
  for (const [name, paths] of Object.entries(cases))
    for (const path of paths) expect((await through(path)).body).toEqual({ name, url: path })
})

test("003.13 what is no static route is the gateway's own 404: internal and health endpoints, longer words, everything else", async () => {
  await apply()
  const paths = [
    '/internal/keys/verify',
    '/internal/secrets/credential-lookup',
    '/api/keys/../../internal/keys/verify',
    '/api/keys/%2e%2e/%2e%2e/internal/keys/verify',
    '//internal/keys/verify',
    '/healthz',
    '/metrics',
    '/api/keysomething',
    '/api/certificatesomething',
    '/.well-known/acme-challenge/',
    '/.well-known/acme-challenge/a/b',
    '/.well-known/acme-challenge/%2e%2e',
    '/.well-known/acme-challenge/../../api',
    '/.well-known/security.txt',
    '/xwell-known/acme-challenge/a',
    '/api/v1',
    '/api',
    '/docsx',
    '/index.html',
  ]
  for (const path of paths)
    expect(await through(path)).toMatchObject({
      status: 404,
      body: { message: 'no Route matched with those values' },
    })
  for (const path of ['/', '/.well-known/acme-challenge/a'])
    expect((await through(path, { method: 'POST' })).status).toBe(404)
})

test('every answer carries an X-Request-Id, the same that was sent; a body over 2 MB is 413', async () => {
  await apply()
  expect((await through('/api/jobs')).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  const own = await request(`${gateway.proxyUrl}/api/jobs`, { headers: { 'x-request-id': 'mine-1' } })
  await own.body.dump()
  expect(own.headers['x-request-id']).toBe('mine-1')
  const large = { method: 'POST', body: 'x'.repeat(2 * 1024 * 1024) }
  expect((await through('/api/jobs', large)).status).toBe(413)
})

test('applied again nothing doubles, what is no longer declared goes, what is not ours stays', async () => {
  const count = await apply()
  const body = (more: object) => ({ method: 'PUT', body: more })
  await admin('/services/dropped', body({ host: '127.0.0.1', tags: ['opsconductor-static'] }))
  await admin(
    '/routes/dropped',
    body({ service: { name: 'dropped' }, paths: ['/dropped'], tags: ['opsconductor-static'] }),
  )
  await admin('/services/oc-published', body({ host: '127.0.0.1', tags: ['opsconductor'] }))
  expect(await apply()).toBe(count)
  const names = (await admin('/services?size=1000')).body.data?.map(({ name }) => name).sort()
  expect(names).toEqual([
    'oc-published',
    'opsconductor-api-key',
    'opsconductor-cert-agent',
    'opsconductor-console',
    'opsconductor-executor',
    'opsconductor-interface-registry',
    'opsconductor-secrets-broker',
  ])
  expect((await admin('/routes')).body.data).toHaveLength(count)
  expect((await admin('/plugins')).body.data).toHaveLength(2)
})

test('an address that is missing is named, before anything is changed', async () => {
  const { EXECUTOR_PUBLIC_URL: _, ...others } = urls
  await expect(applyStaticRoutes({ adminUrl: gateway.adminUrl, urls: others })).rejects.toThrow(
    'EXECUTOR_PUBLIC_URL not set',
  )
})
