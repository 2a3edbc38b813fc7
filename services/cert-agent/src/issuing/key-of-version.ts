import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import type { StoredCertificate } from '../certificates/store.ts'
import { borrowCredential, isCredentialGone } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import { type OpenServerDeps, withServer } from '../servers/open-server.ts'
import { isKeyType, keyTypeOf, makeKey, makeKeyOn } from './make-key.ts'

export interface KeyWork {
  operationId: string
  actor: string
  signal: AbortSignal
}

export type KeyDeps = OpenServerDeps & Pick<Deps, 'operations'>

/** Under which the broker keeps the certificate's keys: known before, so that a repetition finds what was kept. */
export const keyCredentialIdOf = ({
  id,
  credentialId,
}: Pick<StoredCertificate, 'id' | 'credentialId'>): string => credentialId ?? id

/** The key that the broker keeps for the certificate and lends to the operation; throws what `borrowCredential` throws. */
export async function borrowKey(
  deps: KeyDeps,
  certificate: StoredCertificate,
  { operationId, signal }: KeyWork,
): Promise<SecretValue | undefined> {
  const { projectId } = certificate
  const credentialId = keyCredentialIdOf(certificate)
  await deps.operations.nameCredentials(operationId, [credentialId])
  const of = { projectId, operationId, reference: credentialId, taken: ['x509'] }
  const { secret } = await borrowCredential(deps, of, signal)
  return secret.private_key === undefined ? undefined : new SecretValue(secret.private_key)
}

/** The key for the next version: the same as before where it is to stay and is of the type that is wished, else a new one. */
export async function keyForNextVersion(
  deps: KeyDeps,
  certificate: StoredCertificate,
  work: KeyWork,
): Promise<SecretValue> {
  const { keyMadeOn: serverId, projectId, keyType: type } = certificate
  // Whoever revoked it may have done so because somebody else has its key.
  if (!certificate.rotateKey && certificate.state !== 'revoked') {
    const same = await borrowKey(deps, certificate, work).catch(unlessGone)
    if (same !== undefined && keyTypeOf(same) === type) return same
  }
  if (!isKeyType(type))
    throw new AppError(
      'conflict',
      'It needs a new key, and its key type is none that is made here: set key_type.',
    )
  if (serverId === null) return makeKey(type)
  return withServer(deps, { projectId, serverId, ...work }, (session) => makeKeyOn(session, type))
}

/** What is not lent for another reason may be lent again: then the key stays, as was wished. */
function unlessGone(error: unknown): undefined {
  if (!isCredentialGone(error)) throw error
}
