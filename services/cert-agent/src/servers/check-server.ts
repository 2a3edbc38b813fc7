import { type ServerCheck, serverCheckParts } from '@opsconductor/contracts'
import { AppError, toAppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { endOperation } from '../operations/end-operation.ts'
import { nameCredentials } from '../operations/name-credentials.ts'
import { type CheckedPart, checks } from './check-parts.ts'
import { type OpenServerDeps, type ServerWork, withServer } from './open-server.ts'
import type { StoredServer } from './store.ts'

type Needed = OpenServerDeps & Parameters<typeof endOperation>[0] & Pick<Deps, 'operations'>

const checkMsMax = 20_000

/** Whether the server can be deployed to. It is an operation of its own: the broker lends to nothing else. */
export async function checkServer(
  deps: Needed,
  { id: serverId, projectId, credentialId }: StoredServer,
  actor: string,
  signal: AbortSignal,
): Promise<ServerCheck> {
  const timeout = new AbortController()
  const tooLong = new AppError('step_timeout', 'The server took longer than 20 s to answer.')
  const timer = setTimeout(() => timeout.abort(tooLong), checkMsMax)
  const within = AbortSignal.any([signal, timeout.signal])
  const operation = await deps.operations.insert(
    { projectId, kind: 'check', actor, serverId, credentials: [credentialId] },
    'running',
  )
  try {
    const check = await examine(async (at) => {
      await nameCredentials(deps, operation, within)
      const work: ServerWork = { projectId, serverId, operationId: operation.id, actor, signal: within }
      await withServer(deps, work, async (session) => {
        for (const [part, check] of checks) await at(part, () => check(session))
      })
    })
    await endOperation(deps, operation.id, { state: 'succeeded', result: check })
    return check
  } catch (error) {
    const { code, message } = toAppError(error)
    await endOperation(deps, operation.id, { state: 'failed', error: { code, message } })
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Faults of the server, its login and the way there; others are ours, and are thrown. */
const ofTheServer: ReadonlySet<string> = new Set([
  ...['target_unreachable', 'target_refused', 'target_failed', 'target_answer_too_large'],
  ...['outbound_denied', 'step_failed', 'step_timeout'],
])

type Part = (typeof serverCheckParts)[number]
type At = (part: Part, check: () => Promise<CheckedPart>) => Promise<void>

/** What stops the work at all is the fault of the part that it came to; parts that it did not come to are skipped. */
async function examine(work: (at: At) => Promise<void>): Promise<ServerCheck> {
  const checked = new Map<Part, CheckedPart>()
  let part: Part = 'connection'
  try {
    await work(async (next, check) => {
      checked.set('connection', { state: 'passed' })
      part = next
      checked.set(next, await check())
    })
  } catch (error) {
    if (!(error instanceof AppError) || !ofTheServer.has(error.code)) throw error
    checked.set(part, { state: 'failed', message: error.message })
  }
  const parts = serverCheckParts.map((name) => {
    const { state = 'skipped', message = null } = checked.get(name) ?? {}
    return { part: name, state, message }
  })
  return {
    ok: parts.every(({ state }) => state !== 'failed'),
    nginx_version: checked.get('nginx')?.version ?? null,
    parts,
  }
}
