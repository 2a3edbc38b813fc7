import type { Metrics } from '@opsconductor/service-kit'
import type { ExpiryCounts } from './store.ts'

export type ExpiryGauges = ReturnType<typeof createExpiryGauges>

/** Of all credentials in use, as they were at the last check; none is named. */
export function createExpiryGauges(metrics: Metrics) {
  const expiring = metrics.gauge(
    'secrets_credentials_expiring',
    'Credentials in use that expire, or whose certificate does, within so many days; 0: have expired',
    ['within_days'],
  )
  const soonest = metrics.gauge(
    'secrets_credential_expiry_seconds',
    'Seconds until the first credential in use expires; negative where it has',
  )
  const overdue = metrics.gauge(
    'secrets_credentials_rotation_overdue',
    'Credentials in use whose secret should have been rotated',
  )
  // Nothing is known to expire, which is not the same as that something does now.
  soonest.set(Number.POSITIVE_INFINITY)

  return {
    set({ expiringWithin, soonestAt, rotationOverdue }: ExpiryCounts, at: Date) {
      for (const { days, count } of expiringWithin) expiring.set({ within_days: days }, count)
      soonest.set(soonestAt === null ? Number.POSITIVE_INFINITY : (soonestAt.getTime() - at.getTime()) / 1000)
      overdue.set(rotationOverdue)
    },
  }
}
