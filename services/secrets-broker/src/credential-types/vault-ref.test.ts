import { expect, test } from '@jest/globals'
import { credentialTypeNames } from './index.ts'
import { faultPaths } from './try-credential.fixture.ts'
import { vaultRef, vaultRefTypes } from './vault-ref.ts'

const reference = {
  vault: 'team vault',
  path: 'app/db',
  as_type: 'http_basic',
  fields: { password: 'pass' },
  extra_fields: { username: 'user' },
  mode: 'read_through',
}

test('a secret of a vault can be lent as every other type', () => {
  expect([...vaultRefTypes, vaultRef.type].sort()).toEqual([...credentialTypeNames].sort())
})

test('a reference is taken in both modes, and its times have defaults', async () => {
  expect(await faultPaths('vault_ref', undefined, reference)).toEqual([])
  expect(vaultRef.extra.parse(reference)).toMatchObject({ ttl_seconds: 60, allow_stale_seconds: 0 })
  const synchronised = { ...reference, mode: 'synchronised' }
  expect(await faultPaths('vault_ref', undefined, synchronised)).toEqual([])
  expect(vaultRef.extra.parse(synchronised)).toMatchObject({ interval_seconds: 300, on_change: 'take' })
})

test.each([
  [{ ...reference, as_type: 'vault_ref' }, 'body.extra.as_type'],
  [{ ...reference, path: '' }, 'body.extra.path'],
  [{ ...reference, vault: 'a\0b' }, 'body.extra.vault'],
  [{ ...reference, fields: {} }, 'body.extra.fields'],
  [{ ...reference, mode: 'copied' }, 'body.extra.mode'],
  [{ ...reference, ttl_seconds: -1 }, 'body.extra.ttl_seconds'],
  [{ ...reference, mode: 'synchronised', interval_seconds: 1 }, 'body.extra.interval_seconds'],
  [{ ...reference, token: 'put here by mistake' }, 'body.extra.token'],
])('%j is refused at %s', async (extra, path) => {
  expect(await faultPaths('vault_ref', undefined, extra)).toContain(path)
})

test('it has no secret of its own', async () => {
  expect(await faultPaths('vault_ref', 'hunter22', reference)).toEqual(['body.secret'])
  expect(await faultPaths('vault_ref', { password: 'hunter22' }, reference)).toEqual(['body.secret'])
})
