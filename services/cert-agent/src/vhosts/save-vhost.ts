import { type Caller, callerLabel } from '@opsconductor/auth'
import type { CreateVhost, UpdateVhost } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import type { StoredCertificate } from '../certificates/store.ts'
import { maySeeCertificate } from '../client-limits/assert-may-manage.ts'
import { wishDeployments } from '../deployments/wish-deployments.ts'
import type { Deps } from '../deps.ts'
import type { StoredOperation } from '../operations/store.ts'
import { wakeOperations } from '../operations/wake-operations.ts'
import type { StoredServer } from '../servers/store.ts'
import { assertConfigFits } from './assert-config-fits.ts'
import { findUncovered } from './find-uncovered.ts'
import { unknownVhost } from './find-vhost.ts'
import type { StoredVhost, VhostChanges, VhostFields } from './store.ts'

type Needed = Pick<Deps, 'vhosts' | 'certificates' | 'clientLimits'> & Parameters<typeof wishDeployments>[0]

/** `operation` puts the certificate on the server, where there is one to put. */
export interface SavedVhost {
  vhost: StoredVhost
  operation: StoredOperation | undefined
}

export async function createVhost(
  deps: Needed,
  caller: Caller,
  server: StoredServer,
  body: z.infer<typeof CreateVhost>,
): Promise<SavedVhost> {
  const fields: VhostFields = {
    names: body.names,
    probeHost: body.probe_host,
    probePort: body.probe_port,
    configFile: body.config_file,
    template: body.template,
    certificateId: body.certificate_id,
  }
  const certificate = await findCertificate(deps, caller, server, fields.certificateId)
  assertCovered(certificate, fields.names)
  await assertConfigFits(deps, server, fields, undefined)
  const vhost = await deps.vhosts.insert({ projectId: server.projectId, serverId: server.id }, fields)
  await record(deps, caller, vhost, 'vhost.create')
  return { vhost, operation: await deploy(deps, caller, server, certificate) }
}

/** What is left out stays. What changes what is served is deployed again. */
export async function updateVhost(
  deps: Needed,
  caller: Caller,
  server: StoredServer,
  before: StoredVhost,
  body: z.infer<typeof UpdateVhost>,
): Promise<SavedVhost> {
  const { id, serverId } = before
  const changes: VhostChanges = {
    names: body.names,
    probeHost: body.probe_host,
    probePort: body.probe_port,
    configFile: body.config_file,
    template: body.template,
    certificateId: body.certificate_id,
  }
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  const fields: VhostFields = { ...before, ...Object.fromEntries(given) }
  const changed = (['names', 'configFile', 'template', 'certificateId'] as const).some(
    (name) => JSON.stringify(fields[name]) !== JSON.stringify(before[name]),
  )
  const certificate = await findCertificate(deps, caller, server, fields.certificateId)
  if (changed) {
    assertCovered(certificate, fields.names)
    await assertConfigFits(deps, server, fields, before)
  }
  // Only these: somebody else may change another field meanwhile.
  const vhost = await deps.vhosts.update({ serverId, id }, changes)
  if (vhost === undefined) throw unknownVhost()
  await record(deps, caller, vhost, 'vhost.update')
  if (before.certificateId !== fields.certificateId) await forgetDeployment(deps, before)
  return { vhost, operation: changed ? await deploy(deps, caller, server, certificate) : undefined }
}

export async function deleteVhost(deps: Needed, caller: Caller, vhost: StoredVhost): Promise<void> {
  if (!(await deps.vhosts.remove(vhost))) throw unknownVhost()
  await record(deps, caller, vhost, 'vhost.delete')
  await forgetDeployment(deps, vhost)
}

/** Where it was the last that named its certificate; who tries to deploy that hears of it at once. */
async function forgetDeployment(deps: Needed, { certificateId, serverId }: StoredVhost): Promise<void> {
  if (certificateId === null) return
  await wakeOperations(deps, await deps.deployments.forgetUnnamed({ certificateId, serverId }))
}

async function findCertificate(
  deps: Needed,
  caller: Caller,
  { projectId }: StoredServer,
  id: string | null,
): Promise<StoredCertificate | undefined> {
  if (id === null) return undefined
  const certificate = await deps.certificates.find(projectId, id)
  if (certificate !== undefined && (await maySeeCertificate(deps, caller, id))) return certificate
  throw invalidField('body.certificate_id', 'is not a certificate of this project')
}

function assertCovered(certificate: StoredCertificate | undefined, names: readonly string[]): void {
  if (certificate === undefined) return
  const index = findUncovered(certificate.names, names)
  if (index !== undefined)
    throw invalidField(`body.names[${index}]`, 'is not a name that the certificate is for')
}

/** Before its first version there is nothing to deploy: issuing goes on to deploy it. */
const deploy = async (
  deps: Needed,
  caller: Caller,
  { id }: StoredServer,
  certificate: StoredCertificate | undefined,
): Promise<StoredOperation | undefined> =>
  certificate === undefined || certificate.version === 0
    ? undefined
    : wishDeployments(deps, certificate, { actor: callerLabel(caller), serverIds: [id] })

const record = ({ audit }: Pick<Deps, 'audit'>, caller: Caller, vhost: StoredVhost, action: string) =>
  audit.record({
    ...{ projectId: vhost.projectId, serverId: vhost.serverId, actor: callerLabel(caller), action },
    certificateId: vhost.certificateId ?? undefined,
    outcome: 'succeeded',
    detail: {
      ...{ vhost_id: vhost.id, names: vhost.names, probe_host: vhost.probeHost, probe_port: vhost.probePort },
      ...{ config_file: vhost.configFile, has_template: vhost.template !== null },
    },
  })
