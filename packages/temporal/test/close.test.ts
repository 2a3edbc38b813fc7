import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { connectTemporal } from '../src/index.ts'

/** Longer than an attempt waits for the one before. */
const attemptMs = 300

test('a connection that is closed between two attempts of a call ends the call, not the process', async () => {
  for (const afterMs of [5, 50, 150]) {
    const temporal = connectTemporal({ address: '127.0.0.1:1' })
    const asked = expect(temporal.ready()).rejects.toMatchObject({ code: 'service_unavailable' })
    await delay(afterMs)
    await temporal.close()
    await asked
  }
  await delay(attemptMs)
})
