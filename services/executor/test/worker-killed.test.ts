import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startChildExecutor } from './support/child-executor.ts'
import { type Answer, type Call, callerAt, startNeighbours } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
let target: Awaited<ReturnType<typeof startTarget>>
const held = new Map<string, (response: ServerResponse) => void>()

beforeAll(async () => {
  neighbours = await startNeighbours()
  target = await startTarget((received, response) => {
    const hold = held.get(received.url)
    if (hold !== undefined) hold(response)
    else sendJson(response, { ok: true })
  })
}, 60_000)
afterAll(async () => {
  await neighbours?.stop()
  await target?.close()
})

const step = (id: string, type: string, path: string) => ({ id, type, input: { url: target.url + path } })
const nextHeld = (path: string) => new Promise<ServerResponse>((resolve) => held.set(path, resolve))

async function startRun(call: Call, name: string, steps: ReturnType<typeof step>[]): Promise<string> {
  const job = await call('POST', '/api/jobs', { name, steps })
  return (await call('POST', `/api/jobs/${job.body.id}/runs`, {})).body.id
}

async function endOf(call: Call, id: string): Promise<Answer['body']> {
  for (;;) {
    const { body } = await call('GET', `/api/runs/${id}`)
    if (body.status !== 'running') return body
  }
}

test.each([
  ['SIGKILL', 'The worker was lost while this attempt ran.'],
  ['SIGTERM', 'The worker was stopped while the step ran; whether the step took effect is not known.'],
] as const)(
  'a worker ended by %s in the middle of its runs: another finishes them, what was done is not done again, and a step that may run only once fails',
  async (signal, message) => {
    target.received.length = 0
    const first = await startChildExecutor(neighbours.environment)
    const call = callerAt(first.publicUrl, neighbours.token)
    await call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports: [target.port] }] })
    const arrived = [nextHeld('/hold'), nextHeld('/once')]
    const threeId = await startRun(call, `three steps ${signal}`, [
      step('before', 'http.post', '/a'),
      step('during', 'http.get', '/hold'),
      step('after', 'http.post', '/b'),
    ])
    const onceId = await startRun(call, `once ${signal}`, [step('once', 'http.post', '/once')])
    await Promise.all(arrived)

    const again = nextHeld('/hold')
    const [second] = await Promise.all([startChildExecutor(neighbours.environment), first.end(signal)])
    const read = callerAt(second.publicUrl, neighbours.token)
    sendJson(await again, { ok: true })
    const three = await endOf(read, threeId)
    expect(three.status).toBe('succeeded')
    const attempts = three.steps as { step_id: string; attempt: number; status: string }[]
    expect(attempts.map((s) => [s.step_id, s.attempt, s.status])).toEqual([
      ['before', 1, 'succeeded'],
      ['during', 1, 'failed'],
      ['during', 2, 'succeeded'],
      ['after', 1, 'succeeded'],
    ])
    expect(three.steps[1].error.message).toBe(message)

    const once = await endOf(read, onceId)
    expect(once).toMatchObject({ status: 'failed', error: { code: 'step_failed', step_id: 'once' } })
    expect(once.error.message).toContain('whether the step took effect is not known')

    const urls = target.received.map((r) => r.url)
    expect(urls.filter((url) => url !== '/once')).toEqual(['/a', '/hold', '/hold', '/b'])
    expect(urls.filter((url) => url === '/once')).toHaveLength(1)
    expect(await second.end('SIGTERM')).toBe(0)
  },
  90_000,
)
