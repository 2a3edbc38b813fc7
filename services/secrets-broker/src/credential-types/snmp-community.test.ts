import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { parseCredential } from './parse-credential.ts'
import { faultPaths } from './try-credential.fixture.ts'

test('snmp_community takes a community for v1 or v2c and has it redacted', async () => {
  const given = { type: 'snmp_community', secret: 'public', extra: {} }
  expect((await parseCredential(given)).extra).toEqual({ version: 'v2c' })
  expect(await faultPaths('snmp_community', 'pri vate', { version: 'v1' })).toEqual([])
  expect(lendable('snmp_community', { community: 'public' }, {})).toEqual({ redact: ['public'], http: null })
})

test('snmp_community refuses control characters, overlong communities and v3', async () => {
  for (const secret of ['pub\nlic', 'x'.repeat(256), 'ro'])
    expect(await faultPaths('snmp_community', secret)).toEqual(['body.secret'])
  expect(await faultPaths('snmp_community', 'public', { version: 'v3' })).toEqual(['body.extra.version'])
})
