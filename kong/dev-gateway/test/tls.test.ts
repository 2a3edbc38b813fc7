import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { loadCertificates } from '../src/certificates.ts'
import { startTestGateway, startUpstream } from './start-test-gateway.ts'

let tlsDir: string
// One folder for all: keys are slow to make.
beforeAll(async () => {
  tlsDir = await mkdtemp(join(tmpdir(), 'dev-gateway-tls-'))
})
afterAll(() => rm(tlsDir, { recursive: true }))

async function get(url: string, options: object) {
  const outgoing = httpsRequest(url, { agent: false, ...options }).end()
  const [response] = await once(outgoing, 'response')
  response.resume()
  return { status: response.statusCode, protocol: response.socket.getProtocol() }
}

const readAll = (files: string[]) => Promise.all(files.map((file) => readFile(file, 'utf8')))

test('000.45 the TLS listener speaks 1.3 only, under a local CA that stays the same over restarts', async () => {
  const files = ['ca.pem', 'ca-key.pem', 'server.pem', 'server-key.pem'].map((name) => join(tlsDir, name))
  const first = await startTestGateway({ tlsDir, tlsPort: 0 })
  const url = first.tlsUrl ?? ''
  const [ca] = await readAll(files)
  expect(await get(url, { ca })).toEqual({ status: 404, protocol: 'TLSv1.3' })
  expect((await get(url.replace('127.0.0.1', 'localhost'), { ca })).status).toBe(404)
  await expect(get(url, { ca, maxVersion: 'TLSv1.2' })).rejects.toThrow()
  await expect(get(url, {})).rejects.toThrow(/certificate/)
  for (const file of files) expect((await stat(file)).mode & 0o777).toBe(0o600)
  const before = await readAll(files)
  await first.stop()
  const second = await startTestGateway({ tlsDir, tlsPort: 0 })
  expect(await readAll(files)).toEqual(before)
  await second.stop()
})

test('a route for https only is served over TLS, and the upstream hears that it was', async () => {
  const upstream = await startUpstream((_request, response) => response.end())
  const gateway = await startTestGateway({ tlsDir, tlsPort: 0 })
  await gateway.publish('safe', upstream.url, { route: { protocols: ['https'] } })
  const ca = await readFile(join(tlsDir, 'ca.pem'), 'utf8')
  expect((await get(`${gateway.tlsUrl}/safe`, { ca })).status).toBe(200)
  expect(upstream.seen[0]?.headers['x-forwarded-proto']).toBe('https')
  expect((await fetch(`${gateway.proxyUrl}/safe`)).status).toBe(426)
  await gateway.admin('PATCH', '/routes/safe', { https_redirect_status_code: 308 })
  const moved = await fetch(`${gateway.proxyUrl}/safe/x?y`, { redirect: 'manual' })
  expect([moved.status, moved.headers.get('location')]).toEqual([308, 'https://127.0.0.1/safe/x?y'])
  await gateway.stop()
  await upstream.stop()
})

test('an https upstream is reached over HTTP/1.1, whoever signed its certificate', async () => {
  const certificates = await loadCertificates(tlsDir, '127.0.0.1')
  const upstream = createServer(certificates, (request, response) => response.end(request.httpVersion))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const url = `https://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const gateway = await startTestGateway()
  await gateway.publish('lax', url)
  expect(await (await fetch(`${gateway.proxyUrl}/lax`)).text()).toBe('1.1')
  await gateway.stop()
  upstream.closeAllConnections()
  await new Promise((resolve) => upstream.close(resolve))
})
