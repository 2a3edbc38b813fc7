import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import { request } from 'undici'
import { type ExecutorUnderTest, startExecutor } from './support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
  executor.broker.add({
    projectId: executor.projectId,
    ...{ name: 'gate', type: 'ssh', secret: { private_key: 'k' } },
  })
  for (const [name, port] of [
    ['inner', 2201],
    ['outer', 2202],
  ] as const)
    await executor.call('POST', '/api/bastions', { name, host: 'gate.example.com', port, credential: 'gate' })
  await executor.open(8443)
}, 60_000)
afterAll(() => executor?.stop())

async function findWay(body: object, key: string = testInternalKey) {
  const answer = await request(`${executor.internalUrl}/internal/ways`, {
    method: 'POST',
    headers: { 'x-internal-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: answer.statusCode, body: (await answer.body.json()) as ReturnType<typeof JSON.parse> }
}

test('the way of a project is its outbound policy and the bastions that are named, in their order', async () => {
  const via = ['outer', 'inner']
  const { status, body } = await findWay({ project_id: executor.projectId, via })
  const at = { host: 'gate.example.com', credential: 'gate' }
  expect([status, body]).toEqual([
    200,
    {
      policy: { allow: [{ cidr: '127.0.0.1', ports: [8443] }] },
      bastions: [
        { name: 'outer', ...at, port: 2202 },
        { name: 'inner', ...at, port: 2201 },
      ],
    },
  ])
})

test('a bastion that the project does not have is named, whoever else has it', async () => {
  for (const project_id of [executor.projectId, randomUUID()])
    expect(await findWay({ project_id, via: ['nobodys'] })).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'The project has no bastion nobodys (any more).' },
    })
  expect((await findWay({ project_id: randomUUID(), via: ['inner'] })).status).toBe(404)
})

test('a project that opened nothing gets an empty policy, and bad requests and wrong keys get no answer', async () => {
  expect((await findWay({ project_id: randomUUID(), via: [] })).body).toEqual({
    policy: { allow: [] },
    bastions: [],
  })
  for (const body of [
    {},
    { project_id: 'x', via: [] },
    { project_id: randomUUID(), via: Array(6).fill('a') },
  ])
    expect((await findWay(body)).status).toBe(422)
  expect((await findWay({ project_id: executor.projectId, via: [] }, 'wrong'.repeat(8))).status).toBe(403)
})
