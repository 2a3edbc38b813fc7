import { type Caller, callerLabel } from '@opsconductor/auth'
import { createRateLimit } from '@opsconductor/service-kit'

const minuteMs = 60_000

/** How much one client may ask for; beyond it there is 429 with Retry-After. */
export function createRequestLimits() {
  const issuing = createRateLimit({
    ...{ max: 120, windowMs: minuteMs },
    detail: 'Too many certificates are asked for; a batch takes many at once.',
  })
  const exporting = createRateLimit({
    ...{ max: 10, windowMs: minuteMs },
    detail: 'Too many private keys are exported.',
  })
  return {
    /** Issuing, importing, changing, renewing, deploying, revoking. */
    takeOperation: (caller: Caller) => issuing.take(callerLabel(caller)),
    takeExport: (caller: Caller) => exporting.take(callerLabel(caller)),
  }
}
