import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
}, 60_000)
afterAll(() => (agent.deps.stopping.signal.aborted ? undefined : agent.stop()))

const start = async () => {
  const { projectId } = agent
  return agent.deps.operations.insert({ projectId, kind: 'discover', actor: 'test' }, 'running')
}
const watch = (id: string, told?: string) =>
  fetch(new URL(`/api/certificates/operations/${id}/events`, agent.publicUrl), {
    headers: {
      authorization: `Bearer ${agent.token}`,
      ...(told === undefined ? {} : { 'last-event-id': told }),
    },
  })
const eventsOf = (text: string) =>
  text
    .split('\n\n')
    .filter((event) => event.startsWith('event: operation'))
    .map((event) => {
      const [, id, data] = /id: (.+)\ndata: (.+)/.exec(event) ?? []
      return { id, state: JSON.parse(data ?? '').state as string }
    })

test('a stream that was cut goes on after the event that the client has, and ends for good', async () => {
  const { id } = await start()
  const cut = await watch(id)
  const reader = cut.body?.getReader()
  const [first] = eventsOf(Buffer.from((await reader?.read())?.value ?? []).toString())
  expect(first?.state).toBe('running')
  await reader?.cancel()
  const again = await watch(id, first?.id)
  await agent.deps.operations.close(id, { state: 'succeeded', result: {} })
  const rest = eventsOf(await again.text())
  expect(rest.map(({ state }) => state)).toEqual(['succeeded'])
  expect((await watch(id, rest[0]?.id)).status).toBe(204)
  expect(eventsOf(await (await watch(id)).text())).toEqual(rest)
})

test('004.07 so many streams within a minute and no more', async () => {
  const other = await agent.createProject()
  const ask = () =>
    fetch(new URL(`/api/certificates/operations/${crypto.randomUUID()}/events`, agent.publicUrl), {
      headers: { authorization: `Bearer ${other.token}` },
    })
  const statuses = (await Promise.all(Array.from({ length: 301 }, ask))).map(({ status }) => status)
  expect(statuses.filter((status) => status === 429)).toHaveLength(1)
})

test('open streams end when the service begins to stop', async () => {
  const ids = await Promise.all(Array.from({ length: 5 }, async () => (await start()).id))
  const streams = await Promise.all(ids.map((id) => watch(id)))
  await agent.stop()
  for (const stream of streams) expect(eventsOf(await stream.text())).toMatchObject([{ state: 'running' }])
})
