import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { findCommonMemberEndpoint, listMembershipsEndpoint } from '@opsconductor/contracts'
import { type ChangeEvent, type EventListener, listenForEvents } from '@opsconductor/events'
import { type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
let listener: EventListener
const seen: ChangeEvent[] = []
beforeAll(async () => {
  service = await startApiKey()
  await new Promise<void>((resolve, reject) => {
    listener = listenForEvents({
      connectionString: service.database.urlOf('api-key'),
      onEvent: (event) => seen.push(event),
      onGap: resolve,
      onError: reject,
    })
  })
})
afterAll(async () => {
  await listener.stop()
  await service.close()
})

type Person = Awaited<ReturnType<RunningApiKey['person']>>
const as = (person: Person, method: string, path: string, body?: unknown) =>
  service.ask(method, path, { headers: person.headers, body })
const memberPath = (projectId: string, person: { id: string }) =>
  `/api/projects/${projectId}/members/${person.id}`
const membershipsOf = (person: Person) =>
  service.internal.call(listMembershipsEndpoint, { user_id: person.id })

/** Notifications arrive in order, so whatever was sent before this one has come when it comes. */
async function eventsSoFar(): Promise<ChangeEvent[]> {
  const mark = randomUUID()
  const payload = JSON.stringify({ topic: 'mark', key: mark })
  await service.owner.query(`SELECT pg_notify('opsconductor_events', $1)`, [payload])
  while (!seen.some(({ key }) => key === mark)) await new Promise((resolve) => setImmediate(resolve))
  return seen
}

test('whoever makes a project is its owner, sees it listed, and is announced', async () => {
  const [maker, other] = [await service.person(), await service.person()]
  const made = await as(maker, 'POST', '/api/projects', { name: 'Payments' })
  expect(made.status).toBe(201)
  expect(made.headers.location).toBe(`/api/projects/${made.body.id}`)
  expect(await membershipsOf(maker)).toEqual({
    is_platform_admin: false,
    items: [{ project_id: made.body.id, role: 'owner' }],
  })
  expect((await as(maker, 'GET', '/api/projects')).body).toEqual({ items: [made.body], next_cursor: null })
  expect((await as(other, 'GET', '/api/projects')).body.items).toEqual([])
  expect(await eventsSoFar()).toContainEqual({ topic: 'member.changed', key: maker.id })
})

test('a project name that is taken is 409, an empty one 422, each naming the field', async () => {
  const maker = await service.person()
  await as(maker, 'POST', '/api/projects', { name: 'Taken' })
  const taken = await as(maker, 'POST', '/api/projects', { name: ' Taken ' })
  expect([taken.status, taken.body.errors[0].path]).toEqual([409, 'body.name'])
  const empty = await as(maker, 'POST', '/api/projects', { name: '' })
  expect([empty.status, empty.body.errors[0].path]).toEqual([422, 'body.name'])
})

test('a project is read by its path alone, also by a member of several; for others it does not exist', async () => {
  const [member, other] = [await service.person(), await service.person()]
  const first = await service.project({ [member.id]: 'viewer' })
  const second = await service.project({ [member.id]: 'viewer' })
  expect((await as(member, 'GET', `/api/projects/${first}`)).body.id).toBe(first)
  expect((await as(member, 'GET', `/api/projects/${second}`)).body.id).toBe(second)
  expect((await as(other, 'GET', `/api/projects/${first}`)).status).toBe(404)
  expect((await as(member, 'GET', `/api/projects/${randomUUID()}`)).status).toBe(404)
})

test('the rights of one project open no other, whatever X-Project-Id says', async () => {
  const [person, victim] = [await service.person(), await service.person()]
  const mine = await service.project({ [person.id]: 'owner' })
  const theirs = await service.project({ [victim.id]: 'owner', [person.id]: 'viewer' })
  const headers = { ...person.headers, 'x-project-id': mine }
  for (const [method, path, body] of [
    ['GET', `/api/projects/${theirs}`, undefined],
    ['GET', `/api/projects/${theirs}/members`, undefined],
    ['PUT', memberPath(theirs, person), { role: 'owner' }],
    ['DELETE', memberPath(theirs, victim), undefined],
  ] as const)
    expect((await service.ask(method, path, { headers, body })).status).toBe(404)
  expect((await as(person, 'PUT', memberPath(theirs, person), { role: 'owner' })).status).toBe(403)
  expect((await membershipsOf(victim)).items).toEqual([{ project_id: theirs, role: 'owner' }])
})

test('an admin adds a member, changes the role, lists and removes; each change is announced', async () => {
  const [admin, person] = [await service.person(), await service.person()]
  const projectId = await service.project({ [admin.id]: 'admin' })
  const added = await as(admin, 'PUT', memberPath(projectId, person), { role: 'viewer' })
  expect(added.status).toBe(201)
  expect(added.body).toMatchObject({ project_id: projectId, user_id: person.id, role: 'viewer' })
  const changed = await as(admin, 'PUT', memberPath(projectId, person), { role: 'operator' })
  expect([changed.status, changed.body.role]).toEqual([200, 'operator'])
  const list = await as(admin, 'GET', `/api/projects/${projectId}/members`)
  expect(list.body.items.map(({ email }: { email: string }) => email).sort()).toEqual(
    [admin.email, person.email].sort(),
  )
  expect((await as(admin, 'DELETE', memberPath(projectId, person))).status).toBe(204)
  expect((await as(admin, 'DELETE', memberPath(projectId, person))).status).toBe(404)
  expect((await membershipsOf(person)).items).toEqual([])
  const events = (await eventsSoFar()).filter(({ key }) => key === person.id)
  expect(events).toEqual(Array(3).fill({ topic: 'member.changed', key: person.id }))
})

test('members are listed page by page', async () => {
  const people = await Promise.all(Array.from({ length: 5 }, () => service.person()))
  const owner = people[0] as Person
  const projectId = await service.project(
    Object.fromEntries(people.map(({ id }, i) => [id, i === 0 ? 'owner' : 'viewer'])),
  )
  const path = `/api/projects/${projectId}/members?limit=3`
  const first = (await as(owner, 'GET', path)).body
  const second = (await as(owner, 'GET', `${path}&cursor=${first.next_cursor}`)).body
  const ids = [...first.items, ...second.items].map(({ user_id }) => user_id)
  expect(ids.toSorted()).toEqual(people.map(({ id }) => id).toSorted())
  expect(second.next_cursor).toBeNull()
  expect((await as(owner, 'GET', `${path}&cursor=x`)).status).toBe(400)
})

test('only an owner makes or unmakes owners', async () => {
  const [owner, admin, person] = [await service.person(), await service.person(), await service.person()]
  const projectId = await service.project({ [owner.id]: 'owner', [admin.id]: 'admin' })
  const refusals = [
    await as(admin, 'PUT', memberPath(projectId, person), { role: 'owner' }),
    await as(admin, 'PUT', memberPath(projectId, admin), { role: 'owner' }),
    await as(admin, 'PUT', memberPath(projectId, owner), { role: 'viewer' }),
    await as(admin, 'DELETE', memberPath(projectId, owner)),
  ]
  expect(refusals.map(({ status, body }) => [status, body.code])).toEqual(Array(4).fill([403, 'forbidden']))
  expect((await as(owner, 'PUT', memberPath(projectId, person), { role: 'owner' })).status).toBe(201)
})

test('a key, even of an owner with every scope, makes no owner', async () => {
  const [owner, person] = [await service.person(), await service.person()]
  const projectId = await service.project({ [owner.id]: 'owner' })
  const { body } = await as(owner, 'POST', '/api/keys', { name: 'all', scopes: ['manage:*'] })
  const headers = { 'x-api-key': body.key }
  const put = (role: string) => service.ask('PUT', memberPath(projectId, person), { headers, body: { role } })
  expect((await put('owner')).status).toBe(403)
  expect((await put('admin')).status).toBe(201)
})

test('a project never loses its last owner, also not when two owners remove each other at once', async () => {
  const [one, two] = [await service.person(), await service.person()]
  const projectId = await service.project({ [one.id]: 'owner', [two.id]: 'owner' })
  const answers = await service.race({
    lock: 'SELECT 1 FROM api_key.project_members WHERE project_id = $1 FOR UPDATE',
    values: [projectId],
    waiting: 2,
    work: () =>
      Promise.all([
        as(one, 'DELETE', memberPath(projectId, two)),
        as(two, 'PUT', memberPath(projectId, one), { role: 'viewer' }),
      ]),
  })
  expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
  const last = answers[0]?.status === 204 ? one : two
  for (const answer of [
    await as(last, 'DELETE', memberPath(projectId, last)),
    await as(last, 'PUT', memberPath(projectId, last), { role: 'admin' }),
  ])
    expect([answer.status, answer.body.code]).toEqual([409, 'conflict'])
})

test('a member must exist, and the role must be one of the four', async () => {
  const owner = await service.person()
  const projectId = await service.project({ [owner.id]: 'owner' })
  const nobody = await as(owner, 'PUT', memberPath(projectId, { id: randomUUID() }), { role: 'viewer' })
  expect(nobody.status).toBe(404)
  const wrong = await as(owner, 'PUT', memberPath(projectId, owner), { role: 'king' })
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.role'])
})

test('memberships of an unknown or inactive user are empty, also for a platform administrator', async () => {
  const admin = await service.person({ isPlatformAdmin: true })
  await service.project({ [admin.id]: 'owner' })
  expect((await membershipsOf(admin)).is_platform_admin).toBe(true)
  await service.owner.query('UPDATE api_key.users SET is_active = false WHERE id = $1', [admin.id])
  const nothing = { is_platform_admin: false, items: [] }
  expect(await membershipsOf(admin)).toEqual(nothing)
  expect(await service.internal.call(listMembershipsEndpoint, { user_id: randomUUID() })).toEqual(nothing)
})

test('two projects have a common member where somebody active who answers for the one belongs to the other', async () => {
  const [both, looker] = [await service.person(), await service.person()]
  const one = await service.project({ [both.id]: 'admin', [looker.id]: 'operator' })
  const other = await service.project({ [both.id]: 'viewer' })
  const third = await service.project({ [looker.id]: 'owner' })
  const found = async (id: string, otherProjectId: string) => {
    const request = { other_project_id: otherProjectId }
    return (await service.internal.call(findCommonMemberEndpoint, request, { params: { id } })).found
  }
  expect(await found(one, other)).toBe(true)
  expect(await found(other, one)).toBe(false)
  expect(await found(one, third)).toBe(false)
  expect(await found(third, one)).toBe(true)
  expect(await found(one, randomUUID())).toBe(false)
  await service.owner.query('UPDATE api_key.users SET is_active = false WHERE id = $1', [both.id])
  expect(await found(one, other)).toBe(false)
})
