import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { renewalTime } from './renewal-time.ts'

const dayMs = 86_400_000
const start = Date.UTC(2026, 0, 1)
/** Dates have whole ms. */
const whole = (days: number) => Math.round(days * dayMs)
const of = (lifetimeDays: number, certificateId = 'a', window?: { start: Date; end: Date }) =>
  renewalTime({
    certificateId,
    notBefore: new Date(start),
    notAfter: new Date(start + whole(lifetimeDays)),
    window,
  }).getTime()
const lifetimes = fc.double({ min: 0.04, max: 800, noNaN: true })

test('without a word of the CA it is at two thirds of the lifetime, less at most a twentieth', () => {
  fc.assert(
    fc.property(fc.double({ min: 11, max: 800, noNaN: true }), fc.uuid(), (days, id) => {
      const part = (of(days, id) - start) / (days * dayMs)
      expect(part).toBeLessThanOrEqual(2 / 3)
      expect(part).toBeGreaterThan(2 / 3 - 0.0501)
    }),
  )
})

test('a certificate of six days is renewed before its half, with three days left for a CA that is away', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      const left = start + 6 * dayMs - of(6, id)
      expect(left).toBeGreaterThan(3 * dayMs)
      expect(left).toBeLessThan(3.4 * dayMs)
    }),
  )
})

test('the same certificate is renewed at the same time whoever asks, and certificates are spread', () => {
  expect(of(90, 'a')).toBe(of(90, 'a'))
  const times = Array.from({ length: 1_000 }, (_, index) => of(90, `certificate ${index}`))
  const hours = (Math.max(...times) - Math.min(...times)) / 3_600_000
  expect(hours).toBeGreaterThan(90 * 24 * 0.049)
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  expect((mean - start) / dayMs).toBeCloseTo(90 * (2 / 3 - 0.025), 0)
})

test("it is within the CA's window, wherever that is, unless that leaves no room for retries", () => {
  const offset = fc.double({ min: -50, max: 120, noNaN: true })
  const length = fc.double({ min: 0.01, max: 10, noNaN: true })
  fc.assert(
    fc.property(lifetimes, fc.uuid(), offset, length, (days, id, from, long) => {
      const window = { start: new Date(start + whole(from)), end: new Date(start + whole(from + long)) }
      const at = of(days, id, window)
      const latest = start + days * dayMs - Math.min(3.125 * dayMs, days * dayMs * 0.6)
      expect(at).toBeLessThanOrEqual(latest + 1)
      if (at < latest - 1) {
        expect(at).toBeGreaterThanOrEqual(window.start.getTime())
        expect(at).toBeLessThanOrEqual(window.end.getTime())
      }
    }),
  )
})

test('it is always within the lifetime where the CA says nothing', () => {
  fc.assert(
    fc.property(lifetimes, fc.uuid(), (days, id) => {
      expect(of(days, id)).toBeGreaterThan(start)
      expect(of(days, id)).toBeLessThan(start + days * dayMs)
    }),
  )
})

test('a CA whose windows are always past is followed at once, but has us order no more often than CAs allow', () => {
  for (const days of [6, 45, 64, 90]) {
    const issued: number[] = []
    for (let at = start; at < start + 60 * dayMs; ) {
      issued.unshift(at)
      const due = renewalTime({
        certificateId: 'a',
        notBefore: new Date(at),
        notAfter: new Date(at + days * dayMs),
        window: { start: new Date(at - 2 * dayMs), end: new Date(at - dayMs) },
        issuedAt: issued.map((time) => new Date(time)),
      }).getTime()
      if (issued.length < 3) expect(due).toBeLessThan(at)
      at = Math.max(due, at + 30_000)
    }
    for (const at of issued)
      expect(issued.filter((one) => one >= at && one < at + 7 * dayMs).length).toBeLessThanOrEqual(5)
  }
})
