import type { AnyConnectorKind } from '@opsconductor/connector-kinds'
import {
  type CreateConnector,
  type Credential,
  describeCredentialEndpoint,
  sealConnectorCredentialsEndpoint,
} from '@opsconductor/contracts'
import { AppError, invalidField, notFoundAsUndefined } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Opener } from './store.ts'

type OwnCredential = NonNullable<z.infer<typeof CreateConnector>['credentials']>

/** What a request says of what opens the connector. */
export interface GivenOpener {
  credential_id?: string | null | undefined
  credentials?: OwnCredential | null | undefined
}

/** The row that sealed credentials are bound to. */
interface Place {
  id: string
  projectId: string
}

/**
 * What shall open the connector: a credential of the project, or its own, sealed by the broker. Undefined where the
 * request gives neither. Throws `validation_failed` where it does not fit, or is not the project's.
 */
export async function prepareOpener(
  deps: Deps,
  place: Place,
  kind: AnyConnectorKind,
  { credential_id, credentials }: GivenOpener,
): Promise<Opener | undefined> {
  if (credential_id && credentials)
    throw invalidField('body.credentials', 'must not be given with credential_id')
  if (credential_id) {
    await assertFits(deps, place.projectId, kind, credential_id)
    return { credentialId: credential_id, sealed: null }
  }
  return credentials ? { credentialId: null, sealed: await seal(deps, place, kind, credentials) } : undefined
}

/** Throws `validation_failed` where the kind needs something that opens it, and there is nothing. */
export function assertOpens(
  kind: AnyConnectorKind,
  { credentialId, sealed }: { credentialId: unknown; sealed: unknown },
): void {
  if (kind.credentialRequired && !credentialId && !sealed)
    throw invalidField(
      'body.credential_id',
      `is needed, or credentials, for a connector of kind ${kind.kind}`,
    )
}

async function assertFits(
  { internal }: Deps,
  projectId: string,
  kind: AnyConnectorKind,
  reference: string,
): Promise<void> {
  const path = 'body.credential_id'
  const credential = await internal
    .call(describeCredentialEndpoint, { project_id: projectId }, { params: { reference } })
    .catch(notFoundAsUndefined)
  if (credential === undefined) throw invalidField(path, 'is not a credential of this project')
  if (!credential.is_active) throw invalidField(path, 'is of a credential that is not active')
  assertType(kind, credential, path)
}

/** A reference to a vault is what it is read as. */
function assertType(
  kind: AnyConnectorKind,
  { type, extra }: Pick<Credential, 'type' | 'extra'>,
  path: string,
): void {
  const taken = type === 'vault_ref' ? extra.as_type : type
  if (!kind.credentials.some((one) => one === taken))
    throw invalidField(
      path,
      `must be of type ${kind.credentials.join(', ')} for a connector of kind ${kind.kind}`,
    )
}

async function seal(
  { internal }: Deps,
  { id, projectId }: Place,
  kind: AnyConnectorKind,
  given: OwnCredential,
) {
  assertType(kind, given, 'body.credentials.type')
  try {
    const { ciphertext, key_id: keyId } = await internal.call(
      sealConnectorCredentialsEndpoint,
      { ...given, project_id: projectId },
      { params: { id } },
    )
    return { ciphertext, keyId }
  } catch (error) {
    throw inCredentials(error)
  }
}

/** The broker names fields of its own request. */
function inCredentials(error: unknown): unknown {
  if (!(error instanceof AppError) || error.code !== 'validation_failed') return error
  const moved = (text: string) => text.replaceAll(/\bbody(?=\.)/g, 'body.credentials')
  return new AppError(error.code, moved(error.message), {
    errors: error.errors?.map(({ path, message }) => ({ path: moved(path), message })) ?? [],
  })
}
