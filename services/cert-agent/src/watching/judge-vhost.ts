import type { vhostStates } from '@opsconductor/contracts'
import type { Seen } from '../probing/seen.ts'

export type VhostState = (typeof vhostStates)[number]

/** What should be served, as far as something should. */
export interface Expectation {
  /** Of the live version and the wished one; none where nothing is live yet, or no certificate is named. */
  serials: readonly string[]
  /** When the certificate is renewed by itself; null: never. */
  renewAt: Date | null
  /** Days before the end from which on somebody is told. */
  expiryDays: number
}

export interface Judgement {
  state: Exclude<VhostState, 'unknown' | 'unreachable'>
  nameMatches: boolean
  /** For a person. */
  reasons: string[]
}

const dayMs = 86_400_000

/**
 * Whether it is time to worry about a certificate: it ends within so many days, less than a third of its lifetime is left,
 * and nothing renews it in time. So a certificate of six days and one of a year are judged alike.
 */
export function isExpiring(
  { notBefore, notAfter, renewAt }: { notBefore: Date; notAfter: Date; renewAt: Date | null },
  expiryDays: number,
  now: Date,
): boolean {
  const lifetimeMs = notAfter.getTime() - notBefore.getTime()
  const leftMs = notAfter.getTime() - now.getTime()
  // Renewing takes some tries when a CA is away for a while.
  const isOverdue = renewAt === null || now.getTime() > renewAt.getTime() + lifetimeMs * 0.02
  return leftMs <= expiryDays * dayMs && leftMs < lifetimeMs / 3 && isOverdue
}

/** The worst of what is wrong decides. */
export function judgeVhost(
  seen: Seen,
  names: readonly string[],
  { serials, renewAt, expiryDays }: Expectation,
  now: Date,
): Judgement {
  const uncovered = names.filter((name) => name !== '_' && !seen.isValidFor(name))
  const reasons = [...seen.reasons]
  for (const name of uncovered) {
    const reason = `The certificate is not for ${name}.`
    if (!reasons.includes(reason)) reasons.push(reason)
  }
  const isOther = serials.length > 0 && !serials.includes(seen.serial)
  if (isOther) reasons.push('Another certificate is served than the one that was put there.')
  const nameMatches = uncovered.length === 0
  return { state: stateOf(), nameMatches, reasons }

  function stateOf(): Judgement['state'] {
    if (seen.notAfter <= now) return 'expired'
    if (isOther || !nameMatches || !seen.chainValid) return 'mismatch'
    return isExpiring({ ...seen, renewAt }, expiryDays, now) ? 'expiring' : 'ok'
  }
}
