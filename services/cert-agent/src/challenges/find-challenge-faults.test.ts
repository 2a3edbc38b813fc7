import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import type { Challenge } from '@opsconductor/contracts'
import { findChallengeFaults } from './find-challenge-faults.ts'

const http: Challenge = { type: 'http-01', server_id: null, webroot: null }
const longest = `${'a'.repeat(60)}.`.repeat(4).slice(0, -1)
const dns: Challenge = { type: 'dns-01', dns_account_id: randomUUID(), alias: null }

test.each<[string, string[], Challenge[], string[]]>([
  ['nothing', ['a.test', '*.a.test', '192.0.2.1'], [dns, http], []],
  ['a wildcard that nothing fits', ['a.test', '*.a.test'], [http], ['body.names[1]']],
  [
    'a listed name that is none',
    ['a.test'],
    [dns, { ...http, names: ['a.test', 'b.test'] }],
    ['body.challenges[1].names[1]'],
  ],
  [
    'a file without a folder',
    ['a.test'],
    [{ ...http, server_id: randomUUID() }],
    ['body.challenges[0].webroot'],
  ],
  [
    'a folder of the system',
    ['a.test'],
    [{ ...http, server_id: randomUUID(), webroot: '/etc/cron.d/www' }],
    ['body.challenges[0].webroot'],
  ],
  ['a name that is too long for its record', [longest], [dns], ['body.names[0]']],
  ['a name that is too long, where an alias is given', [longest], [{ ...dns, alias: 'a.test' }], []],
  ['an alias that is no name', ['a.test'], [{ ...dns, alias: '-a.-b' }], ['body.challenges[0].alias']],
  ['a folder without a server', [], [{ ...http, webroot: '/srv' }], ['body.challenges[0].server_id']],
])('%s is found wrong, by its path', (_what, names, challenges, paths) => {
  expect(findChallengeFaults(names, challenges).map(({ path }) => path)).toEqual(paths)
})
