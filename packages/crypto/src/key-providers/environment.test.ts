import { createSecretKey, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, test } from '@jest/globals'
import { DecryptionError, decrypt, encrypt } from '../envelope.ts'
import { deriveSeedKey } from '../master-key.ts'
import { copyKey, createLocalKey, openCopiedKey } from './define-key-provider.ts'
import { openEnvironmentKey } from './environment.ts'

const key = await openEnvironmentKey('an example master key of the seed')
const other = await openEnvironmentKey('another')
const dataKey = randomBytes(32)

test('001.12 003.09 the key of the environment is the seed’s key: it opens what deriveSeedKey encrypted', async () => {
  const seed = await deriveSeedKey('an example master key of the seed')
  expect(key).toMatchObject({ id: '7699454900ba9a29', provider: 'environment' })
  expect(decrypt(key.local, encrypt(seed.key, 'secret', 'row'), 'row')).toBe('secret')
})

test('001.12 a data key wrapped by it opens only with it, unchanged, in its own place', async () => {
  const wrapped = await key.wrap(dataKey, 'row 1')
  expect(await key.unwrap(wrapped, 'row 1')).toEqual(dataKey)
  await expect(key.unwrap(wrapped, 'row 2')).rejects.toThrow(DecryptionError)
  await expect(other.unwrap(wrapped, 'row 1')).rejects.toThrow(DecryptionError)
  const bytes = Buffer.from(wrapped, 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 0x80
    await expect(key.unwrap(changed.toString('base64'), 'row 1')).rejects.toThrow(DecryptionError)
  }
})

test('a copy of a key under another opens as the same key, under its own id only', async () => {
  const wrapped = (await copyKey(key, other)) as string
  const copy = await openCopiedKey({ id: key.id, provider: 'environment', wrapped }, other)
  expect(decrypt(copy.local, encrypt(key.local, 'secret'))).toBe('secret')
  const lied = openCopiedKey({ id: other.id, provider: 'environment', wrapped }, other)
  await expect(lied).rejects.toThrow(DecryptionError)
  // A right binding to a wrong key: what was copied is not what the id names.
  const forged = await copyKey(createLocalKey(key.id, 'file', createSecretKey(randomBytes(32))), other)
  const opening = openCopiedKey({ id: key.id, provider: 'file', wrapped: forged as string }, other)
  await expect(opening).rejects.toThrow(DecryptionError)
})

test('a key whose bytes are in another program cannot be copied', async () => {
  const { local: _, ...elsewhere } = key
  expect(await copyKey(elsewhere, other)).toBeUndefined()
})

test('printing a key shows no key material', () => {
  const material = key.local.export()
  const shown = inspect(key, { showHidden: true, depth: 9 }) + JSON.stringify(key)
  expect(shown).not.toContain(material.toString('hex'))
  expect(shown).not.toContain(material.toString('base64'))
})
