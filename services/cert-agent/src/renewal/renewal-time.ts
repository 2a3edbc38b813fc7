import { createHash } from 'node:crypto'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Certificates that live no longer are renewed at half their life, as their CAs ask for. */
const shortLivedMs = 10 * dayMs
const jitterOfLifetime = 0.05
/** What a CA that is away for three days leaves for the tries after it, whatever it suggested before. */
const roomMs = 3 * dayMs + 3 * hourMs
/** A certificate that lives for less than such a room is renewed when this part of its life is left. */
const roomOfLifetime = 0.6

/** CAs limit how often the same names are issued (5 in 7 days); one whose windows are always past must not use that up. */
export const earlyMax = { versions: 3, withinMs: 7 * dayMs }

export interface Renewable {
  certificateId: string
  notBefore: Date
  notAfter: Date
  /** RFC 9773: when the CA would have it renewed. */
  window?: { start: Date; end: Date } | undefined
  /** Of its newest versions, the newest first. */
  issuedAt?: readonly Date[]
}

/**
 * When the certificate is to be renewed; the same for the same facts, and spread evenly among certificates. In the CA's
 * window where it gives one, which may be past; else at two thirds of the lifetime (half of a short one) less jitter. Never
 * later than leaves room for retries, nor, for a window, all too often.
 */
export function renewalTime({ certificateId, notBefore, notAfter, window, issuedAt = [] }: Renewable): Date {
  const draw = drawOf(certificateId)
  const lifetimeMs = notAfter.getTime() - notBefore.getTime()
  const part = lifetimeMs <= shortLivedMs ? 1 / 2 : 2 / 3
  const byLifetime = notBefore.getTime() + lifetimeMs * (part - draw * jitterOfLifetime)
  const soonest = (issuedAt[earlyMax.versions - 1]?.getTime() ?? -Infinity) + earlyMax.withinMs
  const byWindow =
    window &&
    Math.max(soonest, window.start.getTime() + draw * (window.end.getTime() - window.start.getTime()))
  const latest = notAfter.getTime() - Math.min(roomMs, lifetimeMs * roomOfLifetime)
  return new Date(Math.min(byWindow ?? byLifetime, latest))
}

/** From 0 on, below 1. */
function drawOf(certificateId: string): number {
  return createHash('sha256').update(certificateId).digest().readUIntBE(0, 6) / 2 ** 48
}
