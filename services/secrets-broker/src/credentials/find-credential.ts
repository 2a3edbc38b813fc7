import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { type CredentialRecord, selectCredential } from './store.ts'

/** The same for what is not there, deleted, or another project's. */
export const credentialNotFound = () =>
  new AppError('not_found', 'There is no such credential in this project.')

/** Metadata of a credential of the project, by id or name. */
export async function findCredential(
  { prisma }: Deps,
  projectId: string,
  reference: string,
): Promise<CredentialRecord> {
  const record = await selectCredential(prisma, projectId, reference)
  if (record === undefined) throw credentialNotFound()
  return record
}
