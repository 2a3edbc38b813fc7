import { AppError, toAppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { probeVhost } from '../probing/probe-vhost.ts'
import type { Seen } from '../probing/seen.ts'
import type { Way } from '../servers/open-way.ts'
import { type Judgement, judgeVhost, type VhostState } from './judge-vhost.ts'
import { servedToWire } from './served-wire.ts'
import type { WatchedVhost } from './store.ts'
import { tellVhost } from './tell-vhost.ts'

export type WatchDeps = Pick<Deps, 'vhostWatch' | 'notifications' | 'events' | 'now'>

/** What came of one probe, for metrics: a state, or `unavailable` where it is we who could not look. */
export type ProbeOutcome = VhostState | 'unavailable'

/**
 * Probes a virtual host, writes down what was seen, and tells whom the project wants told. What is wrong there is its
 * state; throws only `signal`'s reason.
 */
export async function watchVhost(
  deps: WatchDeps,
  vhost: WatchedVhost,
  way: Pick<Way, 'reach' | 'trust'>,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  try {
    const { seen, judgement } = await look(deps, vhost, way, signal)
    const served = servedToWire(seen, judgement)
    await keep(deps, vhost, { state: judgement.state, served, error: null })
    return judgement.state
  } catch (error) {
    signal.throwIfAborted()
    return keepFailure(deps, vhost, error)
  }
}

/** A certificate may go live between the look at what should be served and the look at what is: both once more then. */
async function look(
  deps: WatchDeps,
  vhost: WatchedVhost,
  way: Pick<Way, 'reach' | 'trust'>,
  signal: AbortSignal,
): Promise<{ seen: Seen; judgement: Judgement }> {
  let expected = vhost
  for (let looks = 1; ; looks++) {
    const { host, port, names } = vhost
    const seen = await probeVhost(deps, { host, port, name: names[0] ?? '_', signal, way })
    const judgement = judgeVhost(seen, names, expected, deps.now())
    if (judgement.state !== 'mismatch' || looks === 2) return { seen, judgement }
    expected = (await deps.vhostWatch.find(vhost.id)) ?? expected
  }
}

/** What keeps us from looking at all. Everything else is how things are there, what opens the project's bastions included. */
const ourCodes: readonly string[] = [
  'service_unavailable',
  'too_many_requests',
  'invalid_internal_key',
  'internal_error',
]

/** Also where the way to it could not be opened. */
export async function keepFailure(
  deps: WatchDeps,
  vhost: WatchedVhost,
  error: unknown,
): Promise<ProbeOutcome> {
  const { code, message } = toAppError(error)
  if (!(error instanceof AppError)) deps.events.broke(error, { vhost_id: vhost.id })
  const state = ourCodes.includes(code) ? undefined : 'unreachable'
  await keep(deps, vhost, {
    state,
    served: undefined,
    error: { code, message: message.slice(0, 500), at: deps.now().toISOString() },
  })
  return state ?? 'unavailable'
}

async function keep(
  deps: WatchDeps,
  vhost: WatchedVhost,
  result: Omit<Parameters<Deps['vhostWatch']['save']>[1], 'probedAt'>,
): Promise<void> {
  // Where nothing was learnt its turn comes again at once.
  const probedAt = result.state === undefined ? vhost.probedBefore : deps.now()
  const former = await deps.vhostWatch.save(vhost.id, { ...result, probedAt })
  deps.events.probed(vhost, result.state ?? 'unavailable', result.error?.code)
  if (former === undefined || result.state === undefined) return
  await tellVhost(deps, vhost, { former, state: result.state, served: result.served })
}
