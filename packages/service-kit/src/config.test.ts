import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { z } from 'zod'
import { ConfigError, port, readConfig, secretText } from './config.ts'

const shape = { DATABASE_URL: z.url(), SECRETS_KMS_KEY: secretText, PUBLIC_PORT: port.default(3011) }
const good = { DATABASE_URL: 'postgresql://127.0.0.1/x', SECRETS_KMS_KEY: 'k'.repeat(32) }

test('003.17 a missing variable is reported as "SECRETS_KMS_KEY not set"', () => {
  expect(() => readConfig({ DATABASE_URL: good.DATABASE_URL }, shape)).toThrow(
    new ConfigError('SECRETS_KMS_KEY not set'),
  )
})

test('every fault is reported at once, and no value is shown', () => {
  const fault = (() => {
    try {
      readConfig({ DATABASE_URL: 'no-url-but-a-secret', PUBLIC_PORT: '99999' }, shape)
    } catch (error) {
      return (error as Error).message
    }
  })()
  expect(fault?.split('\n').map((line) => line.split(/[: ]/)[0])).toEqual([
    'DATABASE_URL',
    'SECRETS_KMS_KEY',
    'PUBLIC_PORT',
  ])
  expect(fault).not.toContain('no-url-but-a-secret')
})

test('an empty variable counts as not set, and defaults apply', () => {
  expect(() => readConfig({ ...good, SECRETS_KMS_KEY: '' }, shape)).toThrow('SECRETS_KMS_KEY not set')
  expect(readConfig(good, shape).PUBLIC_PORT).toBe(3011)
})

test('a variable may be given as a file, and a file that cannot be read is a fault', () => {
  const directory = mkdtempSync(join(tmpdir(), 'config-'))
  const file = join(directory, 'key')
  writeFileSync(file, `${'f'.repeat(32)}\n`)
  const { DATABASE_URL } = good
  expect(readConfig({ DATABASE_URL, SECRETS_KMS_KEY_FILE: file }, shape).SECRETS_KMS_KEY).toBe('f'.repeat(32))
  rmSync(directory, { recursive: true })
  expect(() => readConfig({ DATABASE_URL, SECRETS_KMS_KEY_FILE: file }, shape)).toThrow(
    'SECRETS_KMS_KEY_FILE cannot be read: ENOENT',
  )
})
