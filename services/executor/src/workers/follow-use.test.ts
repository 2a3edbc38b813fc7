import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { followUse } from './follow-use.ts'
import type { Use } from './look-up-use.ts'

const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()]
const away = Object.assign(new Error('away'), { code: 14, details: '', metadata: {} })

function setUp(uses: Record<string, Use | Error>, options: { unused?: string[]; served?: string[] } = {}) {
  const done: string[] = []
  const made = new Set<string>()
  const follower = followUse({
    jobs: { projectsWithJobs: async () => Object.keys(uses) },
    workers: {
      serve: async (projectId) => void done.push(`serve ${projectId}`),
      serves: (projectId) => options.served?.includes(projectId) ?? false,
      unused: () => options.unused ?? [],
      rest: (projectId) => done.push(`rest ${projectId}`),
    },
    events: {
      projectsNotListed: () => done.push('not listed'),
      useNotKnown: () => done.push('not known'),
    },
    ensureNamespace: async (projectId) => made.add(projectId),
    async useOf(projectId) {
      // Asked of Temporal before it was made, a namespace stays unknown to it for seconds.
      if (!made.has(projectId)) throw new Error(`${projectId} has no namespace yet`)
      const use = uses[projectId] as Use | Error
      if (use instanceof Error) throw use
      return use
    },
    idleMs: 1_000,
  })
  return { done, follower }
}

/** Of one look at all projects. */
async function lookOnce(...setup: Parameters<typeof setUp>): Promise<string[]> {
  const { done, follower } = setUp(...setup)
  follower.lookAtAll()
  // A look of fakes is over long before the next is due.
  for (let turns = 0; turns < 20; turns++) await turn()
  follower.stop()
  return done
}

test('what was used without our doing gets a worker; what is not used stays without', async () => {
  const done = await lookOnce({ [a]: 'used', [b]: 'no_namespace', [c]: 'unused' })
  expect(done).toEqual([`serve ${a}`, `rest ${b}`, `rest ${c}`])
})

test('an idle worker rests only where nothing was used; one that is not idle is let alone', async () => {
  const uses = { [b]: 'used', [a]: 'unused', [c]: 'unused' } as const
  const done = await lookOnce(uses, { unused: [b, a], served: [a, b, c] })
  expect(done).toEqual([`serve ${b}`, `rest ${a}`])
})

test('a worker does not rest while it cannot be found out whether it is used; other projects are looked at', async () => {
  const done = await lookOnce({ [a]: new Error('odd'), [b]: 'unused' }, { unused: [a, b], served: [a, b] })
  expect(done).toEqual(['not known', `rest ${b}`])
})

test('while Temporal is away a look asks once', async () => {
  expect(await lookOnce({ [a]: away, [b]: away, [c]: away })).toEqual(['not known'])
})

test('an event may wake only what can be a project', () => {
  const { done, follower } = setUp({})
  follower.serve(a)
  follower.serve('not-an-id')
  expect(done).toEqual([`serve ${a}`])
})
