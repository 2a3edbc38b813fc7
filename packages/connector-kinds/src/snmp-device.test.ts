import { expect, test } from '@jest/globals'
import { snmpDevice } from './snmp-device.ts'
import { faultsOf, tryKind } from './try-kind.fixture.ts'

test('a step asks the device of the connector, and no other', () => {
  const { apply, check, fault } = tryKind(snmpDevice, { host: '::1', port: 1161 })
  expect(apply({ oids: ['sysName.0'], retries: 0 })).toEqual({
    oids: ['sysName.0'],
    retries: 0,
    host: '::1',
    port: 1161,
  })
  expect(check).toEqual({ kind: 'snmp', host: '::1', port: 1161 })
  expect(fault({ oids: [], host: '::2' })).toMatchObject({ path: 'input.host' })
  expect(tryKind(snmpDevice, { host: 'switch' }).check).toMatchObject({ port: 161 })
  expect(faultsOf(snmpDevice, { host: 'switch', community: 'public' })).toEqual([''])
})
