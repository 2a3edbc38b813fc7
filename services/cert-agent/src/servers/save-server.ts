import type { CreateServer, UpdateServer } from '@opsconductor/contracts'
import { AppError, type FieldError } from '@opsconductor/errors'
import { sshCredentialTypes } from '@opsconductor/reach'
import type { z } from 'zod'
import { unknownServer } from '../client-limits/assert-may-manage.ts'
import { resolveCredential } from '../credentials/resolve-credential.ts'
import type { Deps } from '../deps.ts'
import { findNginxFaults } from './find-nginx-faults.ts'
import { findWay } from './find-way.ts'
import type { StoredServer } from './store.ts'

type Needed = Pick<Deps, 'servers' | 'internal' | 'audit'>

export async function createServer(
  deps: Needed,
  projectId: string,
  by: string,
  { credential, keep_versions: keepVersions, ...fields }: z.infer<typeof CreateServer>,
): Promise<StoredServer> {
  assertNoFaults(findNginxFaults(fields.nginx))
  const credentialId = await resolveSshCredential(deps, projectId, credential)
  await assertWay(deps, projectId, fields.via)
  const server = await deps.servers.insert(projectId, { ...fields, credentialId, keepVersions }, by)
  await record(deps, server, by, 'server.create')
  return server
}

/** Work under way goes on with what it began with. */
export async function updateServer(
  deps: Needed,
  { projectId, id }: { projectId: string; id: string },
  by: string,
  { credential, keep_versions: keepVersions, ...fields }: z.infer<typeof UpdateServer>,
): Promise<StoredServer> {
  if (fields.nginx !== undefined) assertNoFaults(findNginxFaults(fields.nginx))
  const credentialId =
    credential === undefined ? undefined : await resolveSshCredential(deps, projectId, credential)
  if (fields.via !== undefined) await assertWay(deps, projectId, fields.via)
  const server = await deps.servers.update({ projectId, id }, { ...fields, credentialId, keepVersions })
  if (server === undefined) throw unknownServer()
  await record(deps, server, by, 'server.update')
  return server
}

const resolveSshCredential = (deps: Needed, projectId: string, reference: string): Promise<string> =>
  resolveCredential(deps, projectId, { reference, path: 'body.credential', taken: sshCredentialTypes })

/** The bastions are the executor's: it says which of them there is not. */
async function assertWay(deps: Needed, projectId: string, via: readonly string[]): Promise<void> {
  if (via.length === 0) return
  const twice = via.findIndex((name, index) => via.indexOf(name) < index)
  if (twice >= 0)
    assertNoFaults([
      { path: `body.via[${twice}]`, message: 'is named twice: the way would lead in a circle' },
    ])
  await findWay(deps, projectId, via).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'step_failed') throw error
    assertNoFaults([{ path: 'body.via', message: 'names a bastion that this project does not have' }])
  })
}

function assertNoFaults(errors: FieldError[]): void {
  if (errors.length === 0) return
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  throw new AppError('validation_failed', detail.slice(0, 1000), { errors })
}

const record = ({ audit }: Needed, server: StoredServer, by: string, action: string) =>
  audit.record({
    projectId: server.projectId,
    actor: by,
    action,
    outcome: 'succeeded',
    serverId: server.id,
    detail: {
      name: server.name,
      host: server.host,
      port: server.port,
      credential_id: server.credentialId,
      via: server.via,
      sudo: server.sudo,
      nginx: server.nginx,
      keep_versions: server.keepVersions,
    },
  })
