import { expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { whileUnavailable } from './while-unavailable.ts'

const never = new AbortController().signal
const away = () => new AppError('service_unavailable', 'away')

test('work is repeated while what it needs is away', async () => {
  let calls = 0
  const work = async () => {
    calls++
    if (calls < 3) throw away()
    return calls
  }
  expect(await whileUnavailable(work, { msMax: 5_000, signal: never })).toBe(3)
})

test('any other error ends it at once', async () => {
  let calls = 0
  const work = async () => {
    calls++
    throw new AppError('not_found', 'no')
  }
  await expect(whileUnavailable(work, { msMax: 5_000, signal: never })).rejects.toMatchObject({
    code: 'not_found',
  })
  expect(calls).toBe(1)
})

test('it gives up when its time is spent, and when it is told to stop', async () => {
  const work = async () => {
    throw away()
  }
  await expect(whileUnavailable(work, { msMax: 50, signal: never })).rejects.toMatchObject({
    code: 'service_unavailable',
  })
  const stopped = AbortSignal.abort(new Error('stopped'))
  await expect(whileUnavailable(work, { msMax: 5_000, signal: stopped })).rejects.toThrow('stopped')
})
