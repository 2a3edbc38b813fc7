import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import { replay } from '../support/replay.ts'

const folder = new URL('../histories/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('000.43 every history that an earlier version wrote replays: runs under way survive an update', async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') })
  const results = await replay(
    names.map((name) => ({
      workflowId: name,
      history: JSON.parse(readFileSync(new URL(name, folder), 'utf8')),
    })),
  )
  expect(results).toEqual(Object.fromEntries(names.map((name) => [name, undefined])))
  expect(names.length).toBeGreaterThan(10)
}, 60_000)
