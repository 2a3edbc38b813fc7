import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createLog, createMetrics, type Listening, listen } from '@opsconductor/service-kit'
import { createPublicApp } from '../src/app.ts'
import { readConsoleConfig } from '../src/config.ts'

let page: Listening
const document = {
  openapi: '3.1.0',
  info: { title: 'Keys', version: '1' },
  paths: { '/api/keys': { get: { summary: 'List' } } },
}
const service = createServer((_request, response) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document)),
)

beforeAll(async () => {
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  const up = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  const down = 'http://127.0.0.1:1'
  const config = readConsoleConfig({
    API_KEY_PUBLIC_URL: up,
    SECRETS_BROKER_PUBLIC_URL: down,
    EXECUTOR_PUBLIC_URL: down,
    INTERFACE_REGISTRY_PUBLIC_URL: down,
    CERT_AGENT_PUBLIC_URL: down,
  })
  page = await listen(
    createPublicApp({ log: createLog('test', 'silent'), metrics: createMetrics() }, config),
    '127.0.0.1',
    0,
  )
})
afterAll(async () => {
  await page.close()
  service.closeAllConnections()
  service.close()
})

test('001.25 /docs shows the documentation from our own files only', async () => {
  const answer = await fetch(`${page.url}/docs/`)
  const html = await answer.text()
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-security-policy')).toMatch("default-src 'none'")
  const sources = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source as string)
  expect(sources.every((source) => source.startsWith('/docs/'))).toBe(true)
  for (const source of sources)
    expect([source, (await fetch(page.url + source)).status]).toEqual([source, 200])
})

test('the merged document holds the services that answer, and names those that do not', async () => {
  const merged = (await (await fetch(`${page.url}/docs/openapi.json`)).json()) as {
    info: { description: string }
    paths: object
  }
  expect(merged.paths).toEqual({ '/api/keys': { get: { summary: 'List', tags: ['api-key'] } } })
  expect(merged.info.description).toMatch('secrets-broker, executor, interface-registry, cert-agent')
})

test('the assets are kept by browsers, pages and documents are not', async () => {
  const caching = async (path: string) => (await fetch(page.url + path)).headers.get('cache-control')
  expect(await caching('/docs/assets/swagger-ui.css')).toBe('public, max-age=3600')
  expect([await caching('/docs'), await caching('/docs/openapi.json')]).toEqual(['no-store', 'no-store'])
})

test('the assets’ room has no way out', async () => {
  // Not by fetch, which would tidy the path before it is sent.
  const statusOf = async (path: string) => {
    const { hostname, port } = new URL(page.url)
    const [answer] = (await once(get({ hostname, port, path }), 'response')) as [IncomingMessage]
    answer.resume()
    return answer.statusCode
  }
  expect(await statusOf('/docs/assets/package.json')).toBe(200)
  for (const path of [
    '/docs/assets/../package.json',
    '/docs/assets/../swagger-ui-dist/package.json',
    '/docs/assets/%2e%2e/swagger-ui-dist/package.json',
    '/docs/assets/..%2fswagger-ui-dist%2fpackage.json',
    '/docs/assets/..\\swagger-ui-dist\\package.json',
    '/docs/assets/',
  ])
    expect([403, 404]).toContain(await statusOf(path))
})
