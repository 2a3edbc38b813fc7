import { inspect } from 'node:util'
import { expect, test } from '@jest/globals'
import { DecryptionError } from './envelope.ts'
import { createKeyring } from './keyring.ts'
import { deriveSeedKey } from './master-key.ts'

const older = await deriveSeedKey('the older master key')
const newer = await deriveSeedKey('the newer master key')

test('a keyring writes with the current key and reads what a decrypt-only key wrote', () => {
  const before = createKeyring(older).encrypt('secret of before')
  const ring = createKeyring(newer, [older])
  expect(ring.decrypt(before)).toBe('secret of before')
  expect(ring.encrypt('new').keyId).toBe(newer.id)
  expect(ring.currentId).toBe(newer.id)
})

test('a key that is not in the ring opens nothing, and a key id that lies opens nothing', () => {
  const sealed = createKeyring(older).encrypt('secret')
  expect(() => createKeyring(newer).decrypt(sealed)).toThrow(DecryptionError)
  expect(() => createKeyring(newer).decrypt({ ...sealed, keyId: newer.id })).toThrow(DecryptionError)
})

test('printing a master key shows no key material', () => {
  const material = older.key.export()
  const shown = inspect(older, { showHidden: true, depth: 9 }) + JSON.stringify(older)
  expect(shown).not.toContain(material.toString('hex'))
  expect(shown).not.toContain(material.toString('base64'))
})
