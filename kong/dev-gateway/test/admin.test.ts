import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startGateway } from '../src/gateway.ts'
import { send } from './send-step.ts'
import { startTestGateway, type TestGateway } from './start-test-gateway.ts'

let folder: string
let stateFile: string
let gateway: TestGateway
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dev-gateway-'))
  stateFile = join(folder, 'state.json')
  gateway = await startTestGateway({ stateFile })
})
afterEach(async () => {
  await gateway.stop()
  await rm(folder, { recursive: true })
})

const call = async (method: string, path: string, body?: string, headers: Record<string, string> = {}) => {
  const { port } = new URL(gateway.adminUrl)
  const type = body === undefined || 'Content-Type' in headers ? [] : [['Content-Type', 'application/json']]
  const all = { ...Object.fromEntries(type), ...headers }
  const answer = await send({ port: Number(port), method, path, headers: all, body })
  return { status: answer.status, body: answer.body === '' ? undefined : JSON.parse(answer.body) }
}

test('/ names the Kong version and the plugins there are; /status says that the store is reachable', async () => {
  const info = await gateway.admin('GET', '/')
  expect(info).toMatchObject({ version: '3.9.1', tagline: expect.stringContaining('dev-gateway') })
  const available = Object.keys((info.plugins as { available_on_server: object }).available_on_server)
  const enabled = ['correlation-id', 'cors', 'rate-limiting', 'request-size-limiting', 'request-termination']
  expect(available.sort()).toEqual(enabled)
  expect(await gateway.admin('GET', '/status')).toMatchObject({ database: { reachable: true } })
})

test('a web page cannot use the Admin API: neither across origins nor through a rebound name', async () => {
  const body = '{"name":"evil","host":"evil.test"}'
  expect((await call('POST', '/services', body, { Origin: 'http://evil.test' })).status).toBe(403)
  expect((await call('POST', '/services', body, { Origin: 'null' })).status).toBe(403)
  for (const host of ['evil.test', '127.0.0.1.evil.test', 'localhost.evil.test:8001']) {
    expect((await call('POST', '/services', body, { Host: host })).status).toBe(403)
  }
  expect((await call('GET', '/services')).body.data).toEqual([])
  for (const host of ['localhost:8001', '127.0.0.1', '[::1]:8001']) {
    expect((await call('GET', '/services', undefined, { Host: host })).status).toBe(200)
  }
})

for (const [what, body] of [
  ['an array', '[{"host":"x"}]'],
  ['a string', '"x"'],
  ['null', 'null'],
  ['a number', '1'],
  ['half an object', '{"host":'],
]) {
  test(`a body that is ${what} is refused with 400`, async () => {
    expect(await call('POST', '/services', body)).toEqual({
      status: 400,
      body: { message: 'Cannot parse JSON body' },
    })
  })
}

test('a body past 10 MB is refused with 413 and changes nothing', async () => {
  const body = `{"host":"x","name":"${'a'.repeat(10 * 2 ** 20)}"}`
  expect((await call('POST', '/services', body)).status).toBe(413)
  expect((await call('GET', '/services')).body.data).toEqual([])
})

test('a body that is not JSON is refused with 415', async () => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  expect((await call('POST', '/services', 'host=x', headers)).status).toBe(415)
})

test('names of object internals are ordinary unknown names', async () => {
  await gateway.admin('PUT', '/services/s', { host: 'x' })
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    expect((await call('GET', `/services/${name}`)).status).toBe(404)
    expect((await call('GET', `/services/s/${name}`)).status).toBe(404)
    expect((await call('GET', `/${name}`)).status).toBe(404)
    expect((await call('POST', '/plugins', JSON.stringify({ name }))).status).toBe(400)
    const odd = await call('PATCH', '/services/s', `{"${name}":{"polluted":true}}`)
    expect([name, odd.status]).toEqual([name, 400])
  }
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

for (const path of ['~/a(', '~/a(?=b)', '~/a(?<!b)', '~/(a)\\1', '~/(?<é>a)']) {
  test(`a route regex that Kong's engine cannot run is refused: ${path}`, async () => {
    const { status, body } = await call('POST', '/routes', JSON.stringify({ paths: [path] }))
    expect([status, body.code]).toEqual([400, 2])
  })
}

test('what the dev gateway cannot do is refused, not ignored', async () => {
  expect((await call('POST', '/routes', '{"paths":["/a"],"protocols":["grpc"]}')).status).toBe(400)
  expect((await call('POST', '/routes', '{"paths":["/a"],"headers":{"x":[]}}')).status).toBe(400)
  expect((await call('POST', '/routes', '{"headers":{"x":["~*("]}}')).status).toBe(400)
  expect((await call('POST', '/plugins', '{"name":"key-auth"}')).body.fields.name).toMatch(/not enabled/)
  expect((await call('POST', '/plugins', '{"name":1}')).status).toBe(400)
  const echo = '{"name":"request-termination","config":{"echo":true}}'
  expect((await call('POST', '/plugins', echo)).body.fields.config.echo).toBe('unknown field')
  const redis = '{"name":"rate-limiting","config":{"minute":1,"policy":"redis"}}'
  expect((await call('POST', '/plugins', redis)).body.fields.config.policy).toMatch(/no redis/)
  expect((await call('POST', '/services', '{"host":"x","protocol":"grpc"}')).status).toBe(400)
  expect((await call('POST', '/upstreams', '{"name":"u","algorithm":"latency"}')).status).toBe(400)
})

test('what a GET shows of a plugin can be PUT back', async () => {
  await gateway.admin('PUT', '/plugins/limit', { name: 'rate-limiting', config: { minute: 5 } })
  const shown = await gateway.admin('GET', '/plugins/limit')
  const again = await gateway.admin('PUT', '/plugins/limit', shown)
  expect(again.config).toEqual(shown.config)
})

test('deleting a consumer or an upstream takes along what hangs on it', async () => {
  await gateway.admin('PUT', '/consumers/bob', {})
  await gateway.admin('POST', '/consumers/bob/plugins', { name: 'request-termination' })
  await gateway.admin('PUT', '/upstreams/pool', {})
  await gateway.admin('POST', '/upstreams/pool/targets', { target: '127.0.0.1' })
  const { data } = await gateway.admin('GET', '/upstreams/pool/targets')
  expect(data).toMatchObject([{ target: '127.0.0.1:8000', weight: 100 }])
  const again = await call('POST', '/upstreams/pool/targets', '{"target":"127.0.0.1:8000"}')
  expect(again.status).toBe(409)
  await gateway.admin('DELETE', '/consumers/bob')
  await gateway.admin('DELETE', '/upstreams/pool')
  expect(JSON.parse(await readFile(stateFile, 'utf8'))).toMatchObject({ plugins: [], targets: [] })
})

test('an answered change is in the file, readable by its owner only, and there after a restart', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `s${index}`)
  await Promise.all(names.map((name) => gateway.admin('PUT', `/services/${name}`, { host: 'x.test' })))
  await gateway.admin('POST', '/services/s1/routes', { name: 'r', paths: ['/r'] })
  await gateway.admin('POST', '/routes/r/plugins', { name: 'rate-limiting', config: { minute: 1 } })
  expect((await stat(stateFile)).mode & 0o777).toBe(0o600)
  const other = await startTestGateway({ stateFile })
  try {
    for (const path of ['/services?size=1000', '/routes', '/plugins']) {
      expect(await other.admin('GET', path)).toEqual(await gateway.admin('GET', path))
    }
  } finally {
    await other.stop()
  }
})

test('a change that cannot be written is answered 500, and the next one that can be writes both', async () => {
  await rm(folder, { recursive: true })
  expect(await call('PUT', '/services/a', '{"host":"x"}')).toEqual({
    status: 500,
    body: { message: 'An unexpected error occurred' },
  })
  await mkdir(folder)
  await gateway.admin('PUT', '/services/b', { host: 'x' })
  const { services } = JSON.parse(await readFile(stateFile, 'utf8')) as { services: { name: string }[] }
  expect(services.map(({ name }) => name).sort()).toEqual(['a', 'b'])
})

test('a damaged state file is one clear line, and stays as it is', async () => {
  const damaged = join(folder, 'damaged.json')
  for (const content of ['{"services":[', '{"services":[{"id":1}]}', 'null']) {
    await writeFile(damaged, content)
    await expect(startGateway({ stateFile: damaged })).rejects.toThrow(
      `GATEWAY_STATE_FILE ${damaged} is damaged: move it away to start empty`,
    )
    expect(await readFile(damaged, 'utf8')).toBe(content)
  }
})
