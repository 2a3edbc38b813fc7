import { setTimeout as delay } from 'node:timers/promises'
import { AppError, toAppError } from '@opsconductor/errors'
import {
  createSshAccess,
  holdSshCredential,
  type SshAccess,
  secretsOf,
  sshCredentialTypes,
} from '@opsconductor/reach'
import { createRedactor } from '@opsconductor/redact'
import type { AuditStore } from '../audit/store.ts'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import { openWay, type WayDeps } from './open-way.ts'
import { createServerSession, type ServerSession } from './server-session.ts'
import type { StoredServer } from './store.ts'

export type { ServerSession } from './server-session.ts'

export interface ServerWork {
  projectId: string
  serverId: string
  operationId: string
  actor: string
  signal: AbortSignal
}

export type OpenServerDeps = WayDeps & Pick<Deps, 'servers'> & { audit: Pick<AuditStore, 'record'> }

/**
 * Logs in to a server with its credential, over its project's bastions, and lends the session to `work`. A connection that
 * cannot be made is tried again, as nothing was done yet. Throws `not_found`, `outbound_denied`, `step_failed`,
 * `target_unreachable`, `target_refused` (login, or host key), or `signal`'s reason.
 */
export async function withServer<T>(
  deps: OpenServerDeps,
  at: ServerWork,
  work: (session: ServerSession) => Promise<T>,
): Promise<T> {
  const { projectId, serverId, operationId, signal } = at
  const server = await deps.servers.find(projectId, serverId)
  if (server === undefined) throw new AppError('not_found', 'There is no such server.')
  const lent = await borrowCredential(
    deps,
    { projectId, operationId, reference: server.credentialId, taken: sshCredentialTypes },
    signal,
  )
  const credential = holdSshCredential(lent)
  const way = await openWay(deps, {
    ...{ projectId, operationId, signal },
    ...{ via: server.via, credential: lent },
  })
  const { reach, trust } = way
  const access = (within: AbortSignal): SshAccess =>
    createSshAccess({ sshPool: deps.sshPool, credential, reach, trust, signal: within })
  await connect(deps, at, server, access(signal))
  const session = createServerSession({
    ...{ server, access, signal },
    password: credential.secret.password,
    redactor: createRedactor(secretsOf(lent, ...way.lent)),
    record: (action, outcome, detail) =>
      deps.audit.record({ ...auditOf(at), action: `ssh.${action}`, outcome, detail }),
  })
  return work({ ...session, server, way })
}

const auditOf = ({ projectId, serverId, operationId, actor }: ServerWork) => ({
  projectId,
  serverId,
  operationId,
  actor,
})

/** Before the second attempt, and the third. */
const retryAfterMs = [250, 1_000]

async function connect(
  { audit }: Pick<OpenServerDeps, 'audit'>,
  at: ServerWork,
  { host, port }: StoredServer,
  ssh: SshAccess,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const record = (outcome: 'succeeded' | 'failed' | 'refused', more: { code?: string } = {}) =>
      audit.record({
        ...auditOf(at),
        action: 'ssh.connect',
        outcome,
        detail: { host, port, attempt, ...more },
      })
    try {
      await ssh({ host, port }, async () => {})
      return await record('succeeded')
    } catch (error) {
      at.signal.throwIfAborted()
      const { code, retryable } = toAppError(error)
      await record(retryable ? 'failed' : 'refused', { code })
      const waitMs = retryAfterMs[attempt - 1]
      if (!retryable || code === 'internal_error' || waitMs === undefined) throw error
      await delay(waitMs, undefined, { signal: at.signal })
    }
  }
}
