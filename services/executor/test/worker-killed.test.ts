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

const step = (id: string, type: string, path: string) => ({ id, type, input: { url: target.url + path } })
const nextHeld = () => new Promise<ServerResponse>((resolve) => (onHeld = resolve))

/** Starts a run on a first executor and ends it in the middle of the step that holds; answers a second executor's view. */
async function endInTheMiddle(name: string, steps: ReturnType<typeof step>[], signal: NodeJS.Signals) {
  const first = await startChildExecutor(neighbours.environment)
  const call = callerAt(first.publicUrl, neighbours.token)
  await call('PUT', '/api/outbound-policy', { allow: [{ cidr: '127.0.0.1', ports: [target.port] }] })
  const job = await call('POST', '/api/jobs', { name, steps })
  const arrived = nextHeld()
  const { body } = await call('POST', `/api/jobs/${job.body.id}/runs`, {})
  await arrived
  await first.end(signal)
  const again = nextHeld()
  const second = await startChildExecutor(neighbours.environment)
  const read = callerAt(second.publicUrl, neighbours.token)
  return {
    second,
    again,
    async end() {
      let run = (await read('GET', `/api/runs/${body.id}`)).body
      while (run.status === 'running') run = (await read('GET', `/api/runs/${body.id}`)).body
      return run
    },
  }
}

test.each([
  ['SIGKILL', 'The worker was lost while this attempt ran.'],
  ['SIGTERM', 'The worker was stopped while the step ran; whether the step took effect is not known.'],
] as const)(
  'a worker ended by %s in the middle of a run: another finishes it, and what was done is not done again',
  async (signal, message) => {
    target.received.length = 0
    const steps = [
      step('before', 'http.post', '/a'),
      step('during', 'http.get', '/hold'),
      step('after', 'http.post', '/b'),
    ]
    const { second, again, end } = await endInTheMiddle(`three steps ${signal}`, steps, signal)
    sendJson(await again, { ok: true })
    const run = await end()
    expect(run.status).toBe('succeeded')
    const attempts = run.steps as { step_id: string; attempt: number; status: string }[]
    expect(attempts.map((s) => [s.step_id, s.attempt, s.status])).toEqual([
      ['before', 1, 'succeeded'],
      ['during', 1, 'failed'],
      ['during', 2, 'succeeded'],
      ['after', 1, 'succeeded'],
    ])
    expect(run.steps[1].error.message).toBe(message)
    expect(target.received.map((r) => r.url)).toEqual(['/a', '/hold', '/hold', '/b'])
    expect(await second.end('SIGTERM')).toBe(0)
  },
  90_000,
)

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a step that may run only once is not run again after %s: the run fails and says that its effect is not known',
  async (signal) => {
    target.received.length = 0
    const { second, end } = await endInTheMiddle(
      `once ${signal}`,
      [step('once', 'http.post', '/hold')],
      signal,
    )
    const run = await end()
    expect(run).toMatchObject({ status: 'failed', error: { code: 'step_failed', step_id: 'once' } })
    expect(run.error.message).toContain('whether the step took effect is not known')
    expect(target.received).toHaveLength(1)
    expect(await second.end('SIGTERM')).toBe(0)
  },
  90_000,
)
