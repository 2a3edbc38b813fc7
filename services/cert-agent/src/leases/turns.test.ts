import { setImmediate as turnOfEvents } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { createTurns } from './turns.ts'

const never = new AbortController().signal

/** Work that ends when it is told to, and notes what it does. */
function startWork(notes: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const work = async () => {
    notes.push(`${name} begins`)
    await promise.finally(() => notes.push(`${name} ends`))
  }
  return { work, end: resolve, fail: reject }
}

test('for one key one piece of work is done after the other, in their order; another key waits for none', async () => {
  const turns = createTurns()
  const notes: string[] = []
  const [a, b, c] = [startWork(notes, 'a'), startWork(notes, 'b'), startWork(notes, 'c')]
  const all = [turns.take('x', never, a.work), turns.take('x', never, b.work), turns.take('y', never, c.work)]
  b.end()
  c.end()
  await turnOfEvents()
  expect(notes).toEqual(['a begins', 'c begins', 'c ends'])
  a.end()
  await Promise.all(all)
  expect(notes.slice(3)).toEqual(['a ends', 'b begins', 'b ends'])
})

test('what fails, or is stopped before its turn, holds nobody up and lets nobody overtake', async () => {
  const turns = createTurns()
  const notes: string[] = []
  const stop = new AbortController()
  const [a, b, c] = [startWork(notes, 'a'), startWork(notes, 'b'), startWork(notes, 'c')]
  const first = turns.take('x', never, a.work)
  const stopped = turns.take('x', stop.signal, b.work)
  stop.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  const last = turns.take('x', never, c.work)
  c.end()
  await turnOfEvents()
  expect(notes).toEqual(['a begins'])
  a.fail(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  await last
  expect(notes).toEqual(['a begins', 'a ends', 'c begins', 'c ends'])
})

test('shared work is done once for all who ask before it begins, and again for who asks later', async () => {
  const turns = createTurns()
  const notes: string[] = []
  const [before, reload, again] = [
    startWork(notes, 'before'),
    startWork(notes, 'reload'),
    startWork(notes, 'again'),
  ]
  const asked = [
    turns.take('x', never, before.work),
    turns.share('x', never, reload.work),
    turns.share('x', never, reload.work),
  ]
  before.end()
  await turnOfEvents()
  expect(notes).toEqual(['before begins', 'before ends', 'reload begins'])
  asked.push(turns.share('x', never, again.work))
  reload.end()
  again.end()
  await Promise.all(asked)
  expect(notes.slice(3)).toEqual(['reload ends', 'again begins', 'again ends'])
})

test('shared work that failed for one, or was stopped, is done anew for the others', async () => {
  const turns = createTurns()
  const stop = new AbortController()
  const notes: string[] = []
  const before = startWork(notes, 'before')
  const holding = turns.take('x', never, before.work)
  const stopped = turns.share('x', stop.signal, async () => void notes.push('stopped'))
  const others = [1, 2].map((n) => turns.share('x', never, async () => void notes.push(`other ${n}`)))
  stop.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  before.end()
  await Promise.all([holding, ...others])
  expect(notes).toEqual(['before begins', 'before ends', 'other 1'])
})
