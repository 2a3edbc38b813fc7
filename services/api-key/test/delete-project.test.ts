import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { listMembershipsEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type ChangeEvent, listenForEvents } from '@opsconductor/events'
import { type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
beforeAll(async () => {
  service = await startApiKey()
})
afterAll(() => service.close())

async function setUp() {
  const owner = await service.person()
  const projectId = await service.project({ [owner.id]: 'owner' })
  const { rows } = await service.owner.query('SELECT name FROM api_key.projects WHERE id = $1', [projectId])
  const remove = (confirm: string = rows[0].name, headers = owner.headers) =>
    service.ask('DELETE', `/api/projects/${projectId}?confirm=${encodeURIComponent(confirm)}`, { headers })
  const isThere = async () =>
    (await service.owner.query('SELECT FROM api_key.projects WHERE id = $1', [projectId])).rowCount === 1
  return { owner, projectId, remove, isThere }
}

test('a project goes when what runs in it has ended: its members, keys and credentials with it, and every process hears', async () => {
  const { owner, projectId, remove, isThere } = await setUp()
  const key = await service.ask('POST', '/api/keys', {
    headers: { ...owner.headers, 'x-project-id': projectId },
    body: { name: 'a key' },
  })
  expect(key.status).toBe(201)
  const heard: ChangeEvent[] = []
  const done = Promise.withResolvers<void>()
  const listening = Promise.withResolvers<void>()
  const listener = listenForEvents({
    connectionString: service.database.urlOf('api-key'),
    onEvent(event) {
      heard.push(event)
      if (event.topic === 'project.deleted') done.resolve()
    },
    onGap: listening.resolve,
    onError: done.reject,
  })
  await listening.promise
  let wasThere: boolean | undefined
  service.retire.answer = async (id) => {
    wasThere = id === projectId && (await isThere())
  }
  expect((await remove()).status).toBe(204)
  expect([wasThere, await isThere()]).toEqual([true, false])
  await done.promise
  expect(heard).toEqual([
    { topic: 'member.changed', key: owner.id },
    { topic: 'project.deleted', key: projectId },
  ])
  await listener.stop()
  expect((await service.internal.call(listMembershipsEndpoint, { user_id: owner.id })).items).toEqual([])
  const { rowCount } = await service.owner.query('SELECT FROM api_key.api_keys WHERE id = $1', [key.body.id])
  expect(rowCount).toBe(0)
  expect((await remove()).status).toBe(404)
})

test('a project that cannot be retired now stays whole, and its deletion can be tried again', async () => {
  const { remove, isThere } = await setUp()
  service.retire.answer = async () => {
    throw new AppError('service_unavailable', 'Temporal is not available.', { retryAfterSeconds: 2 })
  }
  const refused = await remove()
  expect([refused.status, refused.body.code, await isThere()]).toEqual([503, 'service_unavailable', true])
  service.retire.answer = async () => {}
  expect([(await remove()).status, await isThere()]).toEqual([204, false])
})

test('a project is deleted by its owner alone, and only by its name', async () => {
  const { projectId, remove, isThere } = await setUp()
  const admin = await service.person()
  await service.owner.query('INSERT INTO api_key.project_members VALUES ($1, $2, $3)', [
    projectId,
    admin.id,
    'admin',
  ])
  service.retire.answer = () => Promise.reject(new Error('asked all the same'))
  const wrong = await remove('another name')
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'query.confirm'])
  expect((await remove(undefined, admin.headers)).status).toBe(403)
  expect((await remove(undefined, (await service.person()).headers)).status).toBe(404)
  const other = await service.ask('DELETE', `/api/projects/${randomUUID()}?confirm=x`, {
    headers: admin.headers,
  })
  expect(other.status).toBe(404)
  expect(await isThere()).toBe(true)
})
