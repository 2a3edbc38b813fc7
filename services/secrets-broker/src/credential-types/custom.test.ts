import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { faultPaths, faultsOf } from './try-credential.fixture.ts'

const fields = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`field-${i}`, 'abcd']))

test('001.07f custom takes 1 to 50 named secrets, or one text, with any public parts', async () => {
  for (const secret of ['hunter2!', { a: 'abcd' }, fields(50), { big: 'x'.repeat(1_000_000) }])
    expect(await faultPaths('custom', secret, { site: { rack: 7, tags: ['a', null] } })).toEqual([])
})

test('custom refuses too few, too many and wrongly named fields, and never names a wrong name', async () => {
  for (const secret of [
    {},
    fields(51),
    { '7up': 'abcd' },
    { 'hunter2 !': 'abcd' },
    { ['x'.repeat(65)]: 'abcd' },
  ]) {
    const faults = await faultsOf('custom', secret)
    expect(faults.map(([path]) => path)).toEqual(['body.secret'])
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  }
  expect(await faultPaths('custom', { user: 'ada', pin: '', key: 'abcd' })).toEqual([
    'body.secret.user',
    'body.secret.pin',
  ])
})

test('custom has every part redacted, and the password of a part that is a URL; it is not applied to requests', () => {
  const url = 'amqp://u:p%40ssword@h/v'
  expect(lendable('custom', { key: 'abcd', url, odd: 'x://u:%zz%zz@h/' }, {})).toEqual({
    redact: ['abcd', url, 'x://u:%zz%zz@h/', 'p@ssword', '%zz%zz'],
    http: null,
  })
})
