import { expect, test } from '@jest/globals'
import { snmpDiscover } from '../step-types/snmp-discover.ts'
import { sweepAddresses } from './sweep-addresses.ts'

test.each<[string, string[]]>([
  ['10.0.0.0/30', ['10.0.0.1', '10.0.0.2']],
  ['10.0.0.3/30', ['10.0.0.1', '10.0.0.2']],
  ['10.0.0.4/31', ['10.0.0.4', '10.0.0.5']],
  ['10.0.0.7/32', ['10.0.0.7']],
  ['fd00::fe/127', ['fd00::fe', 'fd00::ff']],
])('%s has the hosts %j', (network, addresses) => {
  expect(sweepAddresses(network)).toEqual(addresses)
})

test('4096 addresses are the most', () => {
  expect(sweepAddresses('10.1.0.0/20')).toHaveLength(4094)
  expect(sweepAddresses('fd00::/116')).toHaveLength(4096)
})

test.each([
  '10.0.0.0/0',
  '0.0.0.0/0',
  '10.0.0.0/19',
  'fd00::/64',
  '::/0',
  '10.0.0.0',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/24/24',
  '010.0.0.0/30',
  '0x0a000000/30',
  '10.0/30',
  'fe80::1%eth0/128',
  'localhost/32',
  '10.0.0.0/1e1',
  '/24',
  '',
])('%s is no network to sweep, which a job is told when it is saved', (network) => {
  expect(sweepAddresses(network)).toBeUndefined()
  expect(snmpDiscover.check?.({ network })).toEqual([
    { at: '.network', message: expect.stringMatching(/4096/) },
  ])
})

test('a template in the network is left for the run', () => {
  expect(snmpDiscover.check?.({ network: '{{ input.network }}' })).toEqual([])
})
