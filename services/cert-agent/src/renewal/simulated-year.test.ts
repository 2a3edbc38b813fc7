import { expect, test } from '@jest/globals'
import { refusedAgainMs } from '../certificates/record-issue-end.ts'
import { pursue } from '../workflow/pursue.ts'
import { renewalTime } from './renewal-time.ts'

// A year of many certificates, moved from event to event: when each is renewed is decided by the service's own function, and what
// fails is pursued by the workflow's own loop, under a clock that runs a year in a second; the world fails as it likes.

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const yearMs = 365 * dayMs
/** How often renewals that are due are looked for, and CAs are asked again whose answer has had its time. */
const choreMs = 30_000
const askAgainMs = 6 * hourMs
/** The least that a public CA allows for the same names: 5 in 7 days. */
const ordersMax = { count: 5, withinMs: 7 * dayMs }

interface Span {
  from: number
  to: number
  /** Whoever is asked says no, for good, instead of nothing. */
  refuses?: boolean
}
interface World {
  random: () => number
  caOutages: Span[]
  sshOutages: Span[]
  /** At which moments the CA moves every window to now, as it does before it revokes. */
  recalls: number[]
  hasRenewalInfo: boolean
}
interface Held {
  notBefore: number
  notAfter: number
}
interface Lived {
  orders: number[]
  /** Work on the certificate, in the order it began. */
  work: Span[]
  /** What was served, from when on. */
  served: (Held & { from: number })[]
}

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const spanAt = (spans: readonly Span[], at: number) => spans.find(({ from, to }) => at >= from && at < to)

/** Outages of at most `longestMs`, apart for as long as they last on average. */
function outages(random: () => number, longestMs: number, apartMs: number): Span[] {
  const spans: Span[] = []
  for (let at = random() * apartMs; at < yearMs; ) {
    const to = at + random() ** 2 * longestMs + hourMs
    spans.push({ from: at, to: Math.min(to, at + longestMs) })
    at = to + apartMs * (0.5 + random())
  }
  return spans
}

/** One operation after the other until one succeeds; the time at which it did. */
async function pursueIn(
  outages: Span[],
  from: number,
  expiresAt: number,
  tookMs: number,
  work: Span[] = [],
): Promise<number> {
  let now = from
  for (;;) {
    const done = await pursue<true>({
      ...{ begun: { attempts: 0, retryAt: null }, expiresAt: new Date(expiresAt).toISOString() },
      async attempt() {
        const outage = spanAt(outages, now)
        work.push({ from: now, to: now + tookMs })
        now += tookMs
        if (outage === undefined) return { end: true }
        return { code: 'target_failed', message: 'away', retryable: outage.refuses !== true }
      },
      isFinal: ({ retryable }) => !retryable,
      ...{ postpone: async () => {}, settle: async () => {}, isToLeave: () => false },
      async wait(ms) {
        now += ms
      },
      now: () => now,
    })
    if (typeof done === 'object' && 'end' in done) return now
    now += refusedAgainMs
  }
}

/** When the renewal of what is held begins, by what the CA says from time to time. */
function nextRenewal(id: string, held: Held, orders: readonly number[], world: World): number {
  const issuedAt = orders.at(-1) as number
  const lifetimeMs = held.notAfter - held.notBefore
  const due = (window?: { start: number; end: number }) =>
    renewalTime({
      certificateId: id,
      notBefore: new Date(held.notBefore),
      notAfter: new Date(held.notAfter),
      window: window && { start: new Date(window.start), end: new Date(window.end) },
      issuedAt: orders
        .slice(-3)
        .map((at) => new Date(at))
        .reverse(),
    }).getTime()
  const usual = { start: held.notBefore + lifetimeMs * 0.6, end: held.notBefore + lifetimeMs * 0.7 }
  const usually = due(world.hasRenewalInfo ? usual : undefined)
  const recalls = world.recalls.filter((recall) => recall > issuedAt)
  // Heard of when the CA is asked the next time.
  const heard = recalls.map((recall) => issuedAt + Math.ceil((recall - issuedAt) / askAgainMs) * askAgainMs)
  const recalled = heard.map((at) => Math.max(at, due({ start: at - dayMs, end: at - hourMs })))
  return Math.ceil(Math.min(usually, ...recalled) / choreMs) * choreMs
}

async function live(id: string, lifetimeMs: number, world: World): Promise<Lived> {
  const lived: Lived = { orders: [], work: [], served: [] }
  const hold = (at: number): Held => ({ notBefore: at - hourMs, notAfter: at - hourMs + lifetimeMs })
  let held = hold(0)
  lived.orders.push(0)
  lived.served.push({ ...held, from: 0 })
  for (let at = 0; at < yearMs; ) {
    const due = nextRenewal(id, held, lived.orders, world)
    const issuedAt = await pursueIn(world.caOutages, due, held.notAfter, minuteMs, lived.work)
    held = hold(issuedAt)
    lived.orders.push(issuedAt)
    // A deployment does not hold up the next renewal, which takes its place.
    const next = nextRenewal(id, held, lived.orders, world)
    const servedUntil = (lived.served.at(-1) as Held).notAfter
    const deployedAt = await pursueIn(world.sshOutages, issuedAt, servedUntil, minuteMs / 2)
    if (deployedAt < next + minuteMs) lived.served.push({ ...held, from: deployedAt })
    at = issuedAt
  }
  return lived
}

const check = (lived: Lived, lifetimeMs: number) => {
  for (const [index, { from }] of lived.served.entries()) {
    const before = lived.served[index - 1]
    // Never served when it had ended: what came next was there before.
    if (before !== undefined && from >= before.notAfter) return `expired at ${before.notAfter / dayMs}`
  }
  if ((lived.served.at(-1) as Held).notAfter < yearMs) return 'expired at the end'
  for (const at of lived.orders)
    if (lived.orders.filter((one) => one >= at && one < at + ordersMax.withinMs).length > ordersMax.count)
      return `too many orders at ${at / dayMs}`
  for (const [index, { from }] of lived.work.entries())
    if (from < (lived.work[index - 1]?.to ?? 0)) return `work overlaps at ${from / dayMs}`
  // Not renewed for nothing either.
  const usual = yearMs / (lifetimeMs * 0.44)
  return lived.orders.length > usual + 12 ? `${lived.orders.length} orders` : undefined
}

// What is away together must leave room in what a certificate of six days has left: three days and three hours.
const worlds = [
  { days: 6, caDays: 3, sshDays: 0.05, refuses: false },
  { days: 6, caDays: 1.4, sshDays: 1.4, refuses: true },
  { days: 45, caDays: 3, sshDays: 3, refuses: true },
  { days: 64, caDays: 3, sshDays: 3, refuses: true },
  { days: 90, caDays: 3, sshDays: 3, refuses: true },
]

for (const { days, caDays, sshDays, refuses } of worlds)
  for (const hasRenewalInfo of [false, true])
    test(`004.15 a year of certificates of ${days} days ${hasRenewalInfo ? 'with' : 'without'} ARI: none is served expired, with the CA away for ${caDays} days at a time and the servers for ${sshDays}`, async () => {
      const faults: string[] = []
      for (let seed = 0; seed < 100; seed++) {
        const random = randomOf(seed * 97 + days)
        const caOutages = outages(random, caDays * dayMs, 9 * dayMs)
        for (const [index, span] of caOutages.entries()) span.refuses = refuses && index % 3 === 0
        const world: World = {
          ...{ random, caOutages, hasRenewalInfo },
          sshOutages: outages(random, sshDays * dayMs, 10 * dayMs),
          recalls: hasRenewalInfo ? [random() * yearMs, random() * yearMs] : [],
        }
        const fault = check(await live(`certificate ${seed}`, days * dayMs, world), days * dayMs)
        if (fault !== undefined) faults.push(`${seed}: ${fault}`)
      }
      expect(faults).toEqual([])
    })
