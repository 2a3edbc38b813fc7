import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createKongAdminClient, type KongAdminClient, KongAdminError } from './index.ts'

/** The dev gateway as a process of its own: a server that speaks Kong's protocol. */
const main = fileURLToPath(new URL('../../../kong/dev-gateway/src/main.ts', import.meta.url))
let gateway: ChildProcess
let kong: KongAdminClient
beforeAll(async () => {
  gateway = spawn(process.execPath, [main], {
    env: { GATEWAY_PORT: '0', GATEWAY_ADMIN_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (!gateway.stdout) throw new Error('no stdout')
  const [line] = (await once(gateway.stdout, 'data')) as [Buffer]
  const adminUrl = /admin=(\S+)/.exec(line.toString())?.[1] ?? ''
  kong = createKongAdminClient({ adminUrl, timeoutMs: 5_000 })
})
afterAll(async () => {
  await kong.close()
  const exited = once(gateway, 'exit')
  gateway.kill('SIGTERM')
  await exited
})

async function collect<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of list) found.push(item)
  return found
}

const failure = async (call: Promise<unknown>): Promise<KongAdminError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(KongAdminError)
  return error as KongAdminError
}

test('what is put is there: made, replaced with its defaults, changed in parts, deleted', async () => {
  const made = await kong.services.put('crud', { url: 'http://a.test:81/x', retries: 1, tags: ['ours'] })
  expect(made).toMatchObject({
    name: 'crud',
    host: 'a.test',
    port: 81,
    path: '/x',
    retries: 1,
    tags: ['ours'],
  })
  expect(await kong.services.get('crud')).toEqual(made)
  expect(await kong.services.get(made.id)).toEqual(made)
  const replaced = await kong.services.put('crud', { host: 'b.test' })
  expect(replaced).toMatchObject({ id: made.id, host: 'b.test', retries: 5, path: null, tags: null })
  expect(await kong.services.patch('crud', { enabled: false })).toMatchObject({
    host: 'b.test',
    enabled: false,
  })
  await kong.services.delete('crud')
  expect(await kong.services.get('crud')).toBeUndefined()
})

test('deleting what is not there is done', async () => {
  await kong.services.delete('never')
  await kong.upstreams.put('empty', {})
  await kong.targets('empty').delete('127.0.0.1:1')
})

test('routes and plugins are listed by their service and route', async () => {
  const service = await kong.services.put('nested', { host: 'a.test' })
  const route = await kong.routes.put('nested', { paths: ['/n'], service: { name: 'nested' } })
  expect(route.service).toEqual({ id: service.id })
  const config = { minute: 5, policy: 'local', limit_by: 'service' }
  const plugin = await kong.plugins.create({ name: 'rate-limiting', service: { id: service.id }, config })
  const cors = await kong.plugins.create({ name: 'cors', route: { name: 'nested' } })
  expect(await collect(kong.routes.listOfService('nested'))).toEqual([route])
  expect(await collect(kong.plugins.listOfService(service.id))).toEqual([plugin])
  expect(await collect(kong.plugins.listOfRoute('nested'))).toEqual([cors])
  expect((await kong.plugins.patch(plugin.id, { config: { hour: 9 } })).config).toMatchObject({
    minute: 5,
    hour: 9,
  })
})

test('consumers, upstreams and targets have rooms of their own', async () => {
  expect(await kong.consumers.put('bob', { custom_id: 'c' })).toMatchObject({
    username: 'bob',
    custom_id: 'c',
  })
  await kong.upstreams.put('pool', {})
  const target = await kong.targets('pool').create({ target: '127.0.0.1:81', weight: 7 })
  expect(await collect(kong.targets('pool').list())).toEqual([target])
  await kong.targets('pool').delete(target.id)
  expect(await collect(kong.targets('pool').list())).toEqual([])
})

test('a list walks every page, once, and keeps to the asked tags', async () => {
  const names = Array.from({ length: 25 }, (_, index) => `page-${index}`)
  for (const [index, name] of names.entries()) {
    await kong.services.put(name, { host: 'p.test', tags: ['paged', index % 2 === 0 ? 'even' : 'odd'] })
  }
  const all = await collect(kong.services.list({ tags: ['paged'], size: 4 }))
  expect(all.map(({ name }) => name).sort()).toEqual([...names].sort())
  expect(await collect(kong.services.list({ tags: ['paged', 'even'], size: 4 }))).toHaveLength(13)
  for (const name of names)
    await kong.routes.create({ name, paths: [`/${name}`], service: { name: 'page-0' } })
  expect(await collect(kong.routes.listOfService('page-0', { size: 4 }))).toHaveLength(25)
})

test('names are data: slashes, spaces and dots never reach another path', async () => {
  await kong.consumers.create({ username: 'a b/../c?d#e' })
  expect(await kong.consumers.get('a b/../c?d#e')).toMatchObject({ username: 'a b/../c?d#e' })
  for (const name of ['', '.', '..']) {
    expect((await failure(kong.services.delete(name))).kind).toBe('refused')
  }
})

test('a schema violation says which fields and why, in Kong’s words', async () => {
  const error = await failure(kong.services.create({ host: 'a b', port: 70_000 }))
  expect(error).toMatchObject({
    kind: 'schema_violation',
    status: 400,
    kongCode: 2,
    kongName: 'schema violation',
    fields: { host: 'invalid value: a b', port: 'value should be between 0 and 65535' },
  })
  expect(error.message).toMatch(/^Kong answered 400 to POST \/services: 2 schema violations \(host: /)
})

test('each refusal has its kind', async () => {
  const { id } = await kong.services.put('kinds', { host: 'a.test' })
  await kong.routes.put('kinds', { paths: ['/k'], service: { id } })
  const gone = '11111111-1111-4111-8111-111111111111'
  const kinds = {
    name: kong.services.create({ name: 'kinds', host: 'x' }),
    id: kong.services.create({ id, host: 'x' }),
    patch: kong.services.patch('nobody', { host: 'x' }),
    plugin: kong.plugins.patch(gone, { enabled: false }),
    parent: collect(kong.routes.listOfService('nobody')),
    reference: kong.routes.create({ paths: ['/x'], service: { id: gone } }),
    named: kong.routes.create({ paths: ['/x'], service: { name: 'nobody' } }),
    blocked: kong.services.delete('kinds'),
    size: collect(kong.services.list({ size: 1001 })),
  }
  // All are awaited at once: one that fails before its turn would be nobody's.
  const found = await Promise.all(
    Object.entries(kinds).map(async ([what, call]) => [what, (await failure(call)).kind]),
  )
  expect(Object.fromEntries(found)).toEqual({
    name: 'unique_violation',
    id: 'unique_violation',
    patch: 'not_found',
    plugin: 'not_found',
    parent: 'not_found',
    reference: 'foreign_key',
    named: 'foreign_key',
    blocked: 'foreign_key',
    size: 'refused',
  })
})

test('info and status tell the version and whether the store is there', async () => {
  expect((await kong.info()).version).toMatch(/^3\./)
  expect(await kong.status()).toMatchObject({ database: { reachable: true } })
})
