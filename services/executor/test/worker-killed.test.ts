import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startChildExecutor } from './support/child-executor.ts'
import { callerAt, startNeighbours } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let neighbours: Awaited<ReturnType<typeof startNeighbours>>
let target: Awaited<ReturnType<typeof startTarget>>
let onHeld: (response: ServerResponse) => void

beforeAll(async () => {
  neighbours = await startNeighbours()
  target = await startTarget((received, response) => {
    if (received.url === '/hold') onHeld(response)
    else sendJson(response, { ok: true })
  })
}, 60_000)
afterAll(async () => {
  await neighbours?.stop()
  await target?.close()
})

test('a worker killed in the middle of a run: another finishes it, and what was done is not done again', async () => {
  const first = await startChildExecutor(neighbours.environment)
  const call = callerAt(first.publicUrl, neighbours.token)
  await call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports: [target.port] }] })
  const step = (id: string, type: string, path: string) => ({ id, type, input: { url: target.url + path } })
  const job = await call('POST', '/api/jobs', {
    name: 'three steps',
    steps: [
      step('before', 'http.post', '/a'),
      step('during', 'http.get', '/hold'),
      step('after', 'http.post', '/b'),
    ],
  })
  const arrived = new Promise<ServerResponse>((resolve) => (onHeld = resolve))
  const started = await call('POST', `/api/jobs/${job.body.id}/runs`, {})
  await arrived
  await first.end('SIGKILL')

  const again = new Promise<ServerResponse>((resolve) => (onHeld = resolve))
  const second = await startChildExecutor(neighbours.environment)
  sendJson(await again, { ok: true })
  const read = callerAt(second.publicUrl, neighbours.token)
  let run = (await read('GET', `/api/runs/${started.body.id}`)).body
  while (run.status === 'running') run = (await read('GET', `/api/runs/${started.body.id}`)).body

  expect(run.status).toBe('succeeded')
  const steps = run.steps as { step_id: string; attempt: number; status: string }[]
  expect(steps.map((s) => [s.step_id, s.attempt, s.status])).toEqual([
    ['before', 1, 'succeeded'],
    ['during', 1, 'failed'],
    ['during', 2, 'succeeded'],
    ['after', 1, 'succeeded'],
  ])
  expect(run.steps[1].error.message).toBe('The worker was lost while this attempt ran.')
  expect(target.received.map((r) => r.url)).toEqual(['/a', '/hold', '/hold', '/b'])
  expect(await second.end('SIGTERM')).toBe(0)
}, 90_000)
