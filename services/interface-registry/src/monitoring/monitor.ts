import { createChores } from '@opsconductor/service-kit'
import type { Leadership } from '../leadership/leadership.ts'
import { type CheckDeps, performCheck } from './perform-check.ts'
import { beginDueChecks, countConnectors, makeDueByCredential } from './store.ts'

export interface Monitor {
  /** A check may be due. */
  look(): void
  /** The credential was changed: what it opens is checked at once. */
  credentialChanged(id: string): void
  /** Ends the checks that are under way, so that another process makes them. */
  stop(): Promise<void>
}

const checksAtOnce = 8
const lookEveryMs = 5_000

/** In all processes together only the leader checks connectors when their time has come; each counts what was found. */
export function createMonitor(deps: CheckDeps & { leadership: Leadership }): Monitor {
  const { pool, events, leadership } = deps
  const stopping = new AbortController()
  const underWay = new Set<Promise<unknown>>()
  let looking: Promise<void> | undefined
  let again = false

  const hasRoom = () => leadership.leads() && !stopping.signal.aborted && underWay.size < checksAtOnce

  async function beginDue(): Promise<void> {
    do {
      again = false
      if (!hasRoom()) return
      for (const check of await beginDueChecks(pool, checksAtOnce - underWay.size)) {
        // What failed is told of already.
        const checking = performCheck(deps, check, stopping.signal).catch(() => {})
        underWay.add(checking)
        void checking.finally(() => {
          underWay.delete(checking)
          look()
        })
      }
    } while (again)
  }

  function look(): void {
    again = true
    looking ??= beginDue()
      .catch(events.connectorsNotSeen)
      .finally(() => {
        looking = undefined
        if (again) look()
      })
  }

  async function lookAndCount(): Promise<void> {
    look()
    events.connectorsCounted(await countConnectors(pool))
  }

  const chores = createChores(
    [{ name: 'connectors', everyMs: lookEveryMs, run: lookAndCount }],
    (_name, error) => events.connectorsNotSeen(error),
  )
  chores.start()
  leadership.onLeading(look)

  return {
    look,
    credentialChanged(id) {
      if (leadership.leads()) makeDueByCredential(pool, id).then(look, events.connectorsNotSeen)
    },
    async stop() {
      stopping.abort(new Error('the service stops'))
      await chores.stop()
      await looking
      await Promise.all(underWay)
    },
  }
}
