import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import {
  type CredentialRecord,
  type SealedCredential,
  selectCredential,
  selectSealedCredential,
} from './store.ts'

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

/** An active credential of the project, by id or name, with its secret as it is kept. */
export async function findSealedCredential(
  { pool }: Deps,
  projectId: string,
  reference: string,
): Promise<SealedCredential> {
  const found = await selectSealedCredential(pool, projectId, reference)
  if (found === undefined) throw credentialNotFound()
  return found
}
