import { hostCredentialPurposes } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { InternalActor } from '../internal-actor.ts'

/** Throws `forbidden` where the service has no business with credentials for this purpose. */
export function assertPurpose({ caller }: InternalActor, purpose: string): void {
  if (caller === 'operator') return
  const purposes = hostCredentialPurposes[caller] ?? []
  if (purposes !== 'any' && !purposes.includes(purpose))
    throw new AppError('forbidden', `${caller} may not have credentials for this purpose.`)
}
