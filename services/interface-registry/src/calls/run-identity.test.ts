import { expect, test } from '@jest/globals'
import { hashJson } from '@opsconductor/auth'
import { Id } from '@opsconductor/contracts'
import { identifyRun } from './run-identity.ts'

const interfaceId = 'b0d1f6f4-7c0e-4f7e-9a39-0c8f4a0d8a11'
const keyId = '5b0f5a52-1f2c-4a6a-8d5c-0f6d7e5c9b22'
const body = hashJson({})

test('the run of an Idempotency-Key is pinned: another release must find the same one', () => {
  expect(identifyRun(interfaceId, keyId, 'order-1', body)).toEqual({
    runId: 'c61d0c83-165f-86c8-b552-95b3e9fd9d62',
    updateId: '9046d35613178e3f453c81066189fb9a1394d46edc6935d8ee3d374c4479b0b1',
  })
})

test('interface, API key and Idempotency-Key each make another run, and cannot be shifted into one another', () => {
  const ids = [
    identifyRun(interfaceId, keyId, 'a', body),
    identifyRun(keyId, interfaceId, 'a', body),
    identifyRun(interfaceId, keyId, 'b', body),
    identifyRun(interfaceId, `${keyId}","a`, 'b', body),
    identifyRun(interfaceId, keyId, undefined, body),
    identifyRun(interfaceId, keyId, undefined, body),
  ].map(({ runId }) => runId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(Id.safeParse(id).success).toBe(true)
})

test('another body is the same run and another update', () => {
  const [first, second] = [body, hashJson({ a: 1 })].map((hash) => identifyRun(interfaceId, keyId, 'a', hash))
  expect(second?.runId).toBe(first?.runId)
  expect(second?.updateId).not.toBe(first?.updateId)
})

test('the hash of a body depends on what it says, not on how it is written', () => {
  expect(hashJson(JSON.parse('{"a":1.0,"b":[{"d":1,"c":2}]}'))).toBe(
    hashJson(JSON.parse('{"b":[{"c":2,"d":1}],"a":1}')),
  )
  expect(hashJson({ a: [1, 2] })).not.toBe(hashJson({ a: [2, 1] }))
  expect(hashJson({ a: '1' })).not.toBe(hashJson({ a: 1 }))
  expect(hashJson(JSON.parse('{"__proto__":1}'))).not.toBe(hashJson({}))
})
