import { expect, test } from '@jest/globals'
import { challengeName } from './challenge-name.ts'

const lookup = (cnames: Record<string, string>) => ({
  txt: async () => [],
  nameServers: async () => [],
  cname: async (name: string) => cnames[name],
})

test.each([
  ['a name', 'a.test', '_acme-challenge.a.test'],
  ['a wildcard, at the name below which it is', '*.a.test', '_acme-challenge.a.test'],
])('the record of %s', async (_which, name, place) => {
  expect(await challengeName(name, null, lookup({}))).toBe(place)
})

test('CNAMEs are followed, and an alias is taken as it is', async () => {
  const chain = { '_acme-challenge.a.test': 'b.alias.test', 'b.alias.test': 'c.alias.test' }
  expect(await challengeName('a.test', null, lookup(chain))).toBe('c.alias.test')
  expect(await challengeName('a.test', 'x.alias.test', lookup(chain))).toBe('x.alias.test')
})

test('CNAMEs in a ring are refused', async () => {
  const ring = { '_acme-challenge.a.test': 'b.test', 'b.test': '_acme-challenge.a.test' }
  await expect(challengeName('a.test', null, lookup(ring))).rejects.toThrow('lead in a ring, or too far')
})

test.each(['b.test\nx', 'a"b.test', '../etc', 'a\\032b.test', ''])(
  'a CNAME to %j is refused',
  async (target) => {
    await expect(challengeName('a.test', null, lookup({ '_acme-challenge.a.test': target }))).rejects.toThrow(
      'leads to what is no plain DNS name',
    )
  },
)

test.each([
  ['a name that leaves no room for what is put before it', `${'a'.repeat(60)}.`.repeat(4).slice(0, -1), null],
  ['an alias with a label that is too long', 'a.test', `${'a'.repeat(200)}.test`],
])('%s is refused before DNS is asked', async (_which, name, alias) => {
  await expect(challengeName(name, alias, lookup({}))).rejects.toMatchObject({ code: 'target_refused' })
})
