import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import { probeVhost } from '../probing/probe-vhost.ts'
import type { ServerSession } from '../servers/open-server.ts'
import type { DeployedVhost } from './store.ts'

export type ProbeDeps = Parameters<typeof probeVhost>[0]

interface ProbeOf {
  projectId: string
  vhosts: readonly DeployedVhost[]
  /** Lower-case hexadecimal. */
  serial: string
  /** How long NGINX may take to serve it; 0: it should do so already. */
  patienceMs: number
  signal: AbortSignal
}

/** NGINX takes some 20 to 50 ms to start workers. */
const againAfterMs = { first: 25, most: 150 }
const probesAtOnce = 8

/** NGINX's master lets old workers take connections for 100 ms beside the new ones (`ngx_master_process_cycle`). */
const handoverMs = 150

interface Target {
  host: string
  port: number
  name: string
}

/**
 * Every name of the virtual hosts is served with the serial, seen from outside once the old workers have handed over. Throws
 * `target_failed` naming the first that is not, or what the probe has thrown last.
 */
export async function probeVhosts(deps: ProbeDeps, session: ServerSession, of: ProbeOf): Promise<void> {
  const until = performance.now() + of.patienceMs
  const targets = of.vhosts.flatMap(({ names, probeHost, probePort: port }) =>
    names.map((name) => ({ name, host: probeHost ?? session.server.host, port })),
  )
  const [first] = targets
  if (first !== undefined && of.patienceMs > 0) {
    await untilServed(deps, session, { ...of, ...first, until })
    await delay(handoverMs, undefined, { signal: of.signal })
  }
  await probeEach(deps, session, of, { targets, until })
}

async function probeEach(
  deps: ProbeDeps,
  session: ServerSession,
  of: ProbeOf,
  { targets, until }: { targets: Target[]; until: number },
): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([of.signal, stop.signal])
  const probeNext = async (): Promise<void> => {
    for (let target = targets.shift(); target !== undefined; target = targets.shift())
      await untilServed(deps, session, { ...of, ...target, until, signal })
  }
  try {
    await Promise.all(Array.from({ length: probesAtOnce }, probeNext))
  } catch (error) {
    stop.abort(error)
    throw error
  }
}

async function untilServed(
  deps: ProbeDeps,
  { way }: ServerSession,
  at: ProbeOf & Target & { until: number },
): Promise<void> {
  const { host, port, name, signal } = at
  for (let waitMs = againAfterMs.first; ; waitMs = Math.min(2 * waitMs, againAfterMs.most)) {
    const fault = await probeVhost(deps, { host, port, name, way, signal }).then(
      ({ serial }) => (serial === at.serial ? undefined : otherServed(at, serial)),
      (error: unknown) => error,
    )
    if (fault === undefined) return
    signal.throwIfAborted()
    if (performance.now() > at.until) throw fault
    await delay(waitMs, undefined, { signal })
  }
}

const otherServed = ({ name, port }: { name: string; port: number }, serial: string) =>
  new AppError(
    'target_failed',
    `The virtual host ${name} on port ${port} is served with another certificate (serial ${serial.slice(0, 64)}).`,
  )
