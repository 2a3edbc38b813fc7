import { expect, test } from '@jest/globals'
import { createProjectWorkers } from './project-workers.ts'

const idleMs = 1_000
type State = ReturnType<Awaited<ReturnType<Factory['create']>>['getState']>
type Factory = Parameters<typeof createProjectWorkers>[0]['factory']

let hold: Promise<void> | undefined

/** Workers that end when the test says so. */
function setUp() {
  hold = undefined
  const clock = { now: 10_000 }
  const made: { projectId: string; state: State; end: () => void; fail: (error: Error) => void }[] = []
  const happened: string[] = []
  const factory: Factory = {
    async create(projectId) {
      await hold
      const running = Promise.withResolvers<void>()
      const worker = {
        projectId,
        state: 'INITIALIZED' as State,
        end() {
          worker.state = 'STOPPED'
          running.resolve()
        },
        fail(error: Error) {
          worker.state = 'FAILED'
          running.reject(error)
        },
      }
      made.push(worker)
      return {
        run() {
          worker.state = 'RUNNING'
          return running.promise
        },
        shutdown() {
          worker.state = 'DRAINING'
        },
        getState: () => worker.state,
      }
    },
    close: async () => void happened.push('closed'),
  }
  const workers = createProjectWorkers({
    factory,
    events: {
      workerStarted: (_, serving) => happened.push(`started ${serving}`),
      workerLost: (_, serving) => happened.push(`lost ${serving}`),
      workerRested: (_, serving) => happened.push(`rested ${serving}`),
    },
    now: () => clock.now,
  })
  const stop = async () => {
    const stopped = workers.stop()
    for (const worker of made) worker.end()
    await stopped
  }
  return { clock, made, happened, workers, stop }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('callers that ask at once share one worker', async () => {
  const { workers, made, happened, stop } = setUp()
  await Promise.all([workers.serve('a'), workers.serve('a'), workers.serve('b')])
  await workers.serve('a')
  expect(made.map(({ projectId }) => projectId)).toEqual(['a', 'b'])
  expect([workers.serves('a'), workers.serves('c')]).toEqual([true, false])
  expect(happened).toEqual(['started 1', 'started 2'])
  await stop()
})

test('a worker rests only when nobody asked for it during the whole idle time', async () => {
  const { workers, clock, made, happened, stop } = setUp()
  await workers.serve('a')
  clock.now += idleMs - 1
  expect(workers.unused(idleMs)).toEqual([])
  await workers.serve('a')
  clock.now += idleMs - 1
  workers.rest('a', idleMs)
  expect(workers.serves('a')).toBe(true)
  clock.now += 1
  expect(workers.unused(idleMs)).toEqual(['a'])
  workers.rest('a', idleMs)
  workers.rest('a', idleMs)
  expect([workers.serves('a'), made[0]?.state, workers.unused(idleMs)]).toEqual([false, 'DRAINING', []])
  expect(happened).toEqual(['started 1', 'rested 0'])
  await stop()
})

test('who asks while a worker comes to rest gets a new one, and only once the old one has ended its tasks', async () => {
  const { workers, clock, made, stop } = setUp()
  await workers.serve('a')
  clock.now += idleMs
  workers.rest('a', idleMs)
  let served = false
  const asked = workers.serve('a').then(() => {
    served = true
  })
  await settled()
  expect([served, made.length]).toEqual([false, 1])
  made[0]?.end()
  await asked
  expect([made.length, workers.serves('a')]).toEqual([2, true])
  clock.now += idleMs
  workers.rest('a', idleMs)
  made[1]?.end()
  await workers.serve('a')
  expect(made.length).toBe(3)
  await stop()
})

test('a worker that dies is started again, and who asks in between waits for the new one', async () => {
  const { workers, made, happened, stop } = setUp()
  await workers.serve('a')
  made[0]?.fail(new Error('gone'))
  await settled()
  expect(workers.serves('a')).toBe(false)
  await workers.serve('a')
  expect(made.length).toBe(2)
  expect(happened).toEqual(['started 1', 'lost 0', 'started 1'])
  await stop()
})

test('a worker that cannot be made is tried no longer than somebody asks', async () => {
  const { workers, clock, made, happened, stop } = setUp()
  const create = Promise.withResolvers<void>()
  hold = create.promise
  const refused = workers.serve('a').catch(() => {})
  await settled()
  expect(workers.unused(idleMs)).toEqual([])
  clock.now += idleMs
  expect(workers.unused(idleMs)).toEqual(['a'])
  workers.rest('a', idleMs)
  create.resolve()
  await settled()
  expect([workers.unused(idleMs), made.length, made[0]?.state]).toEqual([[], 1, 'DRAINING'])
  expect(happened).toEqual([])
  await stop()
  await refused
})

test('stopping waits for those that come to rest too, and refuses who asks then', async () => {
  const { workers, clock, made, happened } = setUp()
  await Promise.all([workers.serve('a'), workers.serve('b')])
  clock.now += idleMs
  workers.rest('a', idleMs)
  const stopped = workers.stop()
  made[1]?.end()
  await settled()
  expect(happened).not.toContain('closed')
  await expect(workers.serve('a')).rejects.toMatchObject({ code: 'service_unavailable' })
  made[0]?.end()
  await stopped
  expect(happened.at(-1)).toBe('closed')
})
