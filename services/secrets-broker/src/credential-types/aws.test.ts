import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { faultPaths } from './try-credential.fixture.ts'

// The example of the AWS documentation.
const key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const extra = { access_key_id: 'AKIAIOSFODNN7EXAMPLE' }

test('aws takes a key with its public id and region, and has key and session token redacted', async () => {
  expect(await faultPaths('aws', key, { ...extra, region: 'eu-central-1' })).toEqual([])
  const secret = { secret_access_key: key, session_token: 'IQoJb3JpZ2luX2Vj' }
  expect(await faultPaths('aws', secret, { access_key_id: 'ASIAIOSFODNN7EXAMPLE' })).toEqual([])
  expect(lendable('aws', secret, extra)).toEqual({ redact: [key, 'IQoJb3JpZ2luX2Vj'], http: null })
})

test('aws refuses what is no key, no id, no region, and a temporary key without its token', async () => {
  expect(await faultPaths('aws', 'short', extra)).toEqual(['body.secret'])
  expect(await faultPaths('aws', key, { access_key_id: 'AKIA' })).toEqual(['body.extra.access_key_id'])
  expect(await faultPaths('aws', key, { ...extra, region: 'x.evil.com/' })).toEqual(['body.extra.region'])
  expect(
    await faultPaths('aws', { secret_access_key: key }, { access_key_id: 'ASIAIOSFODNN7EXAMPLE' }),
  ).toEqual(['body.secret.session_token'])
  expect(await faultPaths('aws', key, { ...extra, secret_access_key: key })).toContain(
    'body.extra.secret_access_key',
  )
})
