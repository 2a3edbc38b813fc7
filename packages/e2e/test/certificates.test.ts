import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type Pebble, pebbleIsMissing, startPebble } from '@opsconductor/test-peers'
import { createFleet, type Fleet, type FleetServer } from '../src/certificate-fleet.ts'
import { type Call, createCaller, must, signIn } from '../src/client.ts'
import { type Platform, startPlatform } from '../src/platform.ts'
import { createKey, createProject } from '../src/publish.ts'
import { readHistories, readLogs, readTables } from '../src/what-is-kept.ts'
import { runWorkflowSteps } from '../src/workflow-steps.ts'

jest.setTimeout(120_000)

const caTest = pebbleIsMissing() ? test.skip : test
const portOffset = 21_500
const examples = fileURLToPath(new URL('../../../infra/examples/ci/', import.meta.url))

let platform: Platform
let pebble: Pebble
let fleet: Fleet
let server: FleetServer
let api: Call
/** Of every version that was put on the server: the lines of its key. */
const keys: string[] = []

beforeAll(async () => {
  if (pebbleIsMissing()) return
  const started = await Promise.all([
    // It asks for challenges where the gateway listens.
    startPebble({ httpPort: 8_000 + portOffset }),
    startPlatform(portOffset),
  ])
  pebble = started[0]
  platform = started[1]
  const projectId = await createProject(await signIn(platform), 'certificates')
  api = await signIn(platform, projectId)
  fleet = await createFleet(api, { otherPorts: [pebble.port], authorities: [pebble.ca, await pebble.root()] })
  server = await fleet.addServer(api, 'web-01', ['shop.example.com', 'api.example.com'])
  const body = {
    ...{ name: 'pebble', directory_url: pebble.directoryUrl, contact_email: 'ops@example.com' },
    ...{ terms_of_service_agreed: true, is_default: true },
  }
  await must(api('POST', '/api/certificates/accounts', { body }))
})
afterAll(async () => {
  await fleet?.close()
  await Promise.all([pebble?.close(), platform?.stop()])
})

let certificateId: string

caTest(
  '004.API-1 004.API-2 004.SSH-1 004.CFG-1 004.CFG-3 a certificate is issued through the gateway’s static route, deployed by itself, and served',
  async () => {
    const before = await server.servedSerial('shop.example.com')
    const body = { name: 'shop', names: ['shop.example.com'], vhost_ids: [server.vhostIds[0]] }
    const asked = await api<{ id: string; certificate_id: string; status_url: string }>(
      'POST',
      '/api/certificates',
      { body },
    )
    expect([asked.status, asked.headers.get('location')]).toEqual([202, asked.body.status_url])
    certificateId = asked.body.certificate_id
    const [version] = (await fleet.untilLive(api, certificateId, 1)).versions
    expect(version?.names).toEqual(['shop.example.com'])
    expect(await server.servedSerial('shop.example.com')).toBe(version?.serial)
    expect(version?.serial).not.toBe(before)
    keys.push(server.readKey(certificateId))
  },
)

caTest('how an operation goes on is streamed through the gateway until it has ended', async () => {
  const { id } = await must(
    api<{ id: string }>('POST', `/api/certificates/${certificateId}/renew`, { body: {} }),
  )
  const { status, headers, text } = await api('GET', `/api/certificates/operations/${id}/events`)
  expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('text/event-stream')])
  const states = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string).state)
  expect(states.at(-1)).toBe('succeeded')
})

caTest('004.API-3 a renewed certificate has a new key and is served by itself', async () => {
  const [version] = (await fleet.untilLive(api, certificateId, 2)).versions
  expect(await server.servedSerial('shop.example.com')).toBe(version?.serial)
  keys.push(server.readKey(certificateId))
  expect(keys[1]).not.toBe(keys[0])
})

caTest(
  '004.16 the steps of the example workflow file issue, deploy and see that it is served; once more they change nothing',
  async () => {
    const { key } = await createKey(api, 'pipeline', { scopes: ['manage:certificates'] })
    const directory = mkdtempSync(join(tmpdir(), 'pipeline-'))
    try {
      cpSync(examples, directory, { recursive: true })
      const example = JSON.parse(readFileSync(join(directory, 'certificate.json'), 'utf8'))
      const wish = { ...example, name: 'api', names: ['api.example.com'], vhost_ids: [server.vhostIds[1]] }
      writeFileSync(join(directory, 'certificate.json'), JSON.stringify(wish))
      const run = () =>
        runWorkflowSteps(join(directory, 'certificates.yml'), directory, {
          ...{ OPSCONDUCTOR_URL: platform.stack.gateway_url, OPSCONDUCTOR_API_KEY: key, POLL_SECONDS: '0.2' },
        })
      const first = await run()
      expect(first).toMatchObject([{ code: 0 }, { code: 0 }, { code: 0 }])
      expect(first[2]?.output).toMatch(/^api: version 1, until .*, on 1 servers$/m)
      const served = await server.servedSerial('api.example.com')
      expect((await run()).map(({ code }) => code)).toEqual([0, 0, 0])
      expect(await server.servedSerial('api.example.com')).toBe(served)
      writeFileSync(join(directory, 'certificate.json'), JSON.stringify({ ...wish, names: ['no_name'] }))
      expect(await run()).toMatchObject([
        { code: 1, output: expect.stringMatching(/^::error::PUT .* answered 422: validation_failed: /m) },
      ])
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
)

caTest('004.SEC-1 without a key, or with one of another scope, nobody is let in', async () => {
  const { key } = await createKey(api, 'reader', { scopes: ['manage:certificates:read'] })
  const ask = (method: string, headers: Record<string, string>) =>
    createCaller(platform.stack.gateway_url, headers)(method, '/api/certificates', {
      ...(method === 'POST' ? { body: { name: 'x', names: ['x.example.com'] } } : {}),
    })
  expect((await ask('GET', {})).status).toBe(401)
  expect((await ask('GET', { 'x-api-key': key })).status).toBe(200)
  expect((await ask('POST', { 'x-api-key': key })).status).toBe(403)
})

caTest('004.SEC-4 the API is served over TLS 1.3, and over nothing older', async () => {
  const port = 8_443 + portOffset
  const ca = readFileSync(join(platform.home, 'gateway/tls/ca.pem'))
  const protocolOf = (options: { maxVersion?: 'TLSv1.2' }) =>
    new Promise<string | null>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ...options }, () => {
        resolve(socket.getProtocol())
        socket.destroy()
      })
      socket.once('error', reject)
    })
  expect(await protocolOf({})).toBe('TLSv1.3')
  await expect(protocolOf({ maxVersion: 'TLSv1.2' })).rejects.toThrow()
})

caTest('004.SEC-2 no log, row or Temporal history holds a private key', async () => {
  const kept = {
    logs: readLogs(platform),
    rows: [...(await readTables(platform.stack.database_url)).values()].join('\n'),
    histories: (await readHistories(platform, 'opsconductor-system')).join('\n'),
  }
  expect(kept.logs).toContain('operation ended')
  expect(kept.rows).toContain('shop.example.com')
  expect(kept.histories).toContain('runOperation')
  const lines = [...keys, fleet.loginKey].flatMap((pem) =>
    pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('---')),
  )
  expect(lines.length).toBeGreaterThan(4)
  for (const [where, text] of Object.entries(kept))
    expect([where, lines.filter((line) => text.includes(line))]).toEqual([where, []])
})
