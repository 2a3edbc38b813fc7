import type { Chore } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { type DueDeps, probeDueVhosts } from './probe-due-vhosts.ts'
import { tellExpiry } from './tell-expiry.ts'
import { tellFailures } from './tell-failures.ts'

type Needed = DueDeps & Pick<Deps, 'certificateWatch' | 'failures'>

const probeEveryMs = 30_000
const tellEveryMs = 10 * 60_000
const failuresEveryMs = 30_000
const countEveryMs = 30_000

/** `stop` ends what is under way. */
export const watchingChores = (deps: Needed, stop: AbortSignal): Chore[] => [
  { name: 'probes of virtual hosts', everyMs: probeEveryMs, run: () => probeDueVhosts(deps, stop) },
  { name: 'expiry of certificates', everyMs: tellEveryMs, run: () => tellExpiry(deps) },
  { name: 'failures of certificates', everyMs: failuresEveryMs, run: () => tellFailures(deps) },
  {
    name: 'metrics of certificates',
    everyMs: countEveryMs,
    run: async () => deps.events.counted(await deps.certificateWatch.count()),
  },
]
