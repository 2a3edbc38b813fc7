import { expect, test } from '@jest/globals'
import { createUseAnnouncer } from './announce-use.ts'

test('of many uses of a project in one second executors are told once; of each project by itself', () => {
  const clock = { now: 0 }
  const told: string[] = []
  const announce = createUseAnnouncer({
    pool: {
      query: (async (_: string, [event]: string[]) => told.push(JSON.parse(event as string).key)) as never,
    },
    onError: () => {},
    now: () => clock.now,
  })
  for (const projectId of ['a', 'a', 'b']) announce(projectId)
  clock.now += 999
  announce('a')
  clock.now += 1
  announce('a')
  expect(told).toEqual(['a', 'b', 'a'])
})
