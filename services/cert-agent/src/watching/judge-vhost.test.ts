import { expect, test } from '@jest/globals'
import type { Seen } from '../probing/seen.ts'
import { isExpiring, judgeVhost } from './judge-vhost.ts'

const dayMs = 86_400_000
const start = new Date('2026-01-01T00:00:00Z')
const after = (days: number) => new Date(start.getTime() + days * dayMs)

const seenOf = (more: Partial<Seen> = {}): Seen => ({
  serial: 'abc1',
  issuer: 'CN=CA',
  notBefore: start,
  notAfter: after(90),
  names: ['www.example.com'],
  protocol: 'TLSv1.3',
  chainValid: true,
  nameMatches: true,
  reasons: [],
  isValidFor: (name) => name === 'www.example.com',
  ...more,
})
const expected = { serials: ['abc1'], renewAt: after(60), expiryDays: 30 }
const judge = (seen: Seen, day: number, more: Partial<typeof expected> = {}, names = ['www.example.com']) =>
  judgeVhost(seen, names, { ...expected, ...more }, after(day))

test.each<[string, ReturnType<typeof judge>, string]>([
  ['all is well', judge(seenOf(), 10), 'ok'],
  ['it has ended, whatever else is wrong', judge(seenOf({ chainValid: false }), 91), 'expired'],
  ['another serial is served', judge(seenOf({ serial: 'abc2' }), 10), 'mismatch'],
  [
    'the wished one is served before it is known to be live',
    judge(seenOf(), 10, { serials: ['abc0', 'abc1'] }),
    'ok',
  ],
  ['nothing was put there yet', judge(seenOf({ serial: 'abc2' }), 10, { serials: [] }), 'ok'],
  ['the chain is broken', judge(seenOf({ chainValid: false }), 10), 'mismatch'],
  [
    'one of the names is not covered',
    judge(seenOf(), 10, {}, ['www.example.com', 'api.example.com']),
    'mismatch',
  ],
  ['the name is NGINX’s own for none', judge(seenOf(), 10, {}, ['_']), 'ok'],
  ['its renewal is long overdue', judge(seenOf(), 70), 'expiring'],
])('where %s the state says so', (_what, { state }, wanted) => {
  expect(state).toBe(wanted)
})

test('each reason is said once', () => {
  const reasons = ['The certificate is not for api.example.com.']
  expect(judge(seenOf({ reasons, serial: 'f' }), 10, {}, ['api.example.com']).reasons).toEqual([
    ...reasons,
    'Another certificate is served than the one that was put there.',
  ])
})

test.each([
  // lifetime, renewed at (null: never), days of notice → worried on these days of its life
  [90, 60, 30, 62],
  [90, null, 30, 61],
  [90, null, 7, 83],
  [6, 4, 30, 5],
  [6, null, 1, 5],
  [365, null, 30, 335],
])(
  'of %i days, renewed on day %p, with %i days of notice: from day %i on',
  (lifetime, renewAt, days, from) => {
    const certificate = {
      notBefore: start,
      notAfter: after(lifetime),
      renewAt: renewAt === null ? null : after(renewAt),
    }
    const worried = Array.from({ length: lifetime + 1 }, (_, day) =>
      isExpiring(certificate, days, after(day)),
    )
    expect(worried.indexOf(true)).toBe(from)
    expect(worried.slice(from)).not.toContain(false)
  },
)
