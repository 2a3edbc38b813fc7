import type { CreateBastion, UpdateBastion } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { sshCredentialTypes } from '@opsconductor/reach'
import type { z } from 'zod'
import type { ExecutorDeps } from '../deps.ts'
import { findCredentialFault } from '../jobs/check-credentials.ts'
import type { BastionRecord } from './store.ts'

type Deps = Pick<ExecutorDeps, 'bastions' | 'internal' | 'events'>

export async function createBastion(
  deps: Deps,
  projectId: string,
  by: string,
  fields: z.infer<typeof CreateBastion>,
): Promise<BastionRecord> {
  await assertCredential(deps, projectId, fields.credential)
  const bastion = await deps.bastions.insert(projectId, fields, by)
  deps.events.bastionSaved({ projectId, bastionId: bastion.id, by })
  return bastion
}

/** Runs under way go on with what they began with; the next step goes the new way. */
export async function updateBastion(
  deps: Deps,
  { projectId, id }: { projectId: string; id: string },
  by: string,
  fields: z.infer<typeof UpdateBastion>,
): Promise<BastionRecord> {
  if (fields.credential !== undefined) await assertCredential(deps, projectId, fields.credential)
  const bastion = await deps.bastions.update({ projectId, id }, fields, by)
  if (bastion === undefined) throw unknownBastion()
  deps.events.bastionSaved({ projectId, bastionId: id, by })
  return bastion
}

export const unknownBastion = () => new AppError('not_found', 'There is no such bastion.')

async function assertCredential({ internal }: Deps, projectId: string, reference: string): Promise<void> {
  const message = await findCredentialFault(internal, projectId, {
    ...{ reference, taker: 'a bastion', taken: sshCredentialTypes },
  })
  if (message === undefined) return
  throw new AppError('validation_failed', `body.credential ${message}`, {
    errors: [{ path: 'body.credential', message }],
  })
}
