import { expect, test } from '@jest/globals'
import { CertificateName, IssueCertificate } from '@opsconductor/contracts'

test.each([
  ['Shop.Example.test', 'shop.example.test'],
  ['*.example.test', '*.example.test'],
  ['xn--e1afmkfd.test', 'xn--e1afmkfd.test'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
])('%s is the name %s', (given, name) => expect(CertificateName.parse(given)).toBe(name))

test.each([
  '',
  'localhost',
  'a.123',
  '192.0.2.300',
  '192.0.2',
  '0x7f.1',
  'fe80::1%eth0',
  'a..test',
  '.a.test',
  'a.test.',
  '-a.test',
  'a-.test',
  '*.*.test',
  'a.*.test',
  'a_b.test',
  'a.test;id',
  '$(id).test',
  'a.test\n',
  'a.test\nb.test',
  '../etc/passwd',
  '\u0435x.test', // Cyrillic
  'boo\u212a.test', // the Kelvin sign
  'a\uff0etest', // a full-width dot
  `${'a'.repeat(64)}.test`,
  `${'a.'.repeat(130)}test`,
])('004.06 %j is no name', (text) => expect(CertificateName.safeParse(text).success).toBe(false))

test.each([
  ['nothing', []],
  ['a name twice', ['a.test', 'A.test']],
  ['an address twice, written in two ways', ['2001:db8::1', '2001:db8:0::1']],
  ['more than a hundred', Array.from({ length: 101 }, (_, index) => `a${index}.test`)],
])('004.06 %s are no names of a certificate', (_what, names) =>
  expect(IssueCertificate.shape.names.safeParse(names).success).toBe(false),
)
