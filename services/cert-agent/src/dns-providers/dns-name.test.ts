import { expect, test } from '@jest/globals'
import { DnsName, isDnsName, zonesThatMayHold } from './dns-name.ts'

test.each([
  'a b.test',
  'zone.test\n',
  'a".test',
  "a'.test",
  '../zone.test',
  'zone.test/../x',
  'zone..test',
  '.zone.test',
  'zone.test.',
  'täst.example',
  'аpple.test',
  '$(id).test',
  '`id`.test',
  '-a.test',
  '*.zone.test',
  'test',
  '',
  `${'a'.repeat(64)}.test`,
  `${'a.'.repeat(130)}test`,
  'a\u0000.test',
  'a;b.test',
])('%j is no name of a zone', (name) => {
  expect(DnsName.safeParse(name).success).toBe(false)
  expect(isDnsName(name)).toBe(false)
})

test('a zone is taken in lower case', () => {
  expect(DnsName.parse('Zone.Example.TEST')).toBe('zone.example.test')
})

test('zones are tried from the longest, and never a top-level domain', () => {
  expect(zonesThatMayHold('_acme-challenge.a.example.test', undefined)).toEqual([
    '_acme-challenge.a.example.test',
    'a.example.test',
    'example.test',
  ])
})

test('where zones are said only those are tried, and none that merely ends alike', () => {
  const allowed = ['example.test', 'a.example.test', 'ample.test', 'other.test']
  expect(zonesThatMayHold('_acme-challenge.a.example.test', allowed)).toEqual([
    'a.example.test',
    'example.test',
  ])
  expect(zonesThatMayHold('x.badexample.test', ['example.test'])).toEqual([])
})
