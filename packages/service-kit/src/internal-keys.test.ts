import { expect, test } from '@jest/globals'
import { readConfig } from './config.ts'
import { internalKeyConfig, internalKeys, internalKeyVariable } from './internal-keys.ts'

const shared = 's'.repeat(32)
const executors = 'e'.repeat(32)
const keysOf = (environment: Record<string, string>, self: 'executor' | 'api-key' = 'executor') =>
  internalKeys(readConfig(environment, internalKeyConfig), self)

test('the shared key is the operator’s, a service’s own key names the service, any other key names nobody', () => {
  const keys = keysOf({ INTERNAL_KEY: shared, INTERNAL_KEY_EXECUTOR: executors })
  expect(keys.callerOf(shared)).toBe('operator')
  expect(keys.callerOf(executors)).toBe('executor')
  for (const wrong of [undefined, '', 'x', `${shared} `, shared.slice(1)])
    expect(keys.callerOf(wrong)).toBeUndefined()
})

test('a service sends its own key where it has one, else the shared one', () => {
  expect(keysOf({ INTERNAL_KEY: shared, INTERNAL_KEY_EXECUTOR: executors }).own).toBe(executors)
  expect(keysOf({ INTERNAL_KEY: shared, INTERNAL_KEY_EXECUTOR: executors }, 'api-key').own).toBe(shared)
})

test('002.13 003.23 two keys are valid while one is rotated, and the first is sent', () => {
  const next = 'n'.repeat(32)
  const keys = keysOf({ INTERNAL_KEY: shared, INTERNAL_KEY_EXECUTOR: `${next}, ${executors}` })
  expect([next, executors].map((key) => keys.callerOf(key))).toEqual(['executor', 'executor'])
  expect(keys.own).toBe(next)
})

test('a short key and a missing INTERNAL_KEY are refused at start', () => {
  expect(() => keysOf({ INTERNAL_KEY: 'short' })).toThrow('INTERNAL_KEY')
  expect(() => keysOf({ [internalKeyVariable('executor')]: executors })).toThrow('INTERNAL_KEY not set')
})
