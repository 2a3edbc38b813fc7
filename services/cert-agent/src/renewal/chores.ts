import type { Chore } from '@opsconductor/service-kit'
import { renewCertificate } from '../certificates/renew-certificate.ts'
import { bySchedule } from '../operations/by-schedule.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import { planRenewal } from './plan-renewal.ts'

const everyMs = 30_000
/** At once, of either. */
const takenMax = 50
const askedAtOnceMax = 5
/** A process that dies after it took one leaves it to another one after this. */
const takenForMs = 15 * 60_000

type Needed = OperationDeps & Parameters<typeof planRenewal>[0]

export const renewalChores = (deps: Needed, stopping: AbortSignal): Chore[] => [
  { name: 'renewals', everyMs, run: () => scheduleRenewals(deps) },
  { name: 'renewal information', everyMs, run: () => refreshRenewalInfo(deps, stopping) },
]

/** Starts the renewal of each certificate whose time has come and that has none under way; any number of processes may. */
export async function scheduleRenewals(deps: Needed): Promise<void> {
  const now = deps.now()
  const due = await deps.certificates.takeDue(now, new Date(now.getTime() + takenForMs), takenMax)
  for (const certificate of due) await renewCertificate(deps, certificate, { actor: bySchedule })
}

/** Asks the CAs again whose answers have had their time. */
export async function refreshRenewalInfo(deps: Needed, stopping: AbortSignal): Promise<void> {
  const now = deps.now()
  const due = await deps.certificates.takeToAsk(now, new Date(now.getTime() + takenForMs), takenMax)
  // A CA that does not answer keeps the others waiting for no longer than it must.
  const lanes = Array.from({ length: askedAtOnceMax }, async () => {
    for (let next = due.shift(); next !== undefined && !stopping.aborted; next = due.shift())
      await planRenewal(deps, next.id, stopping)
  })
  await Promise.all(lanes)
}
