import { type Credential, describeCredentialEndpoint, lentTypeOf } from '@opsconductor/contracts'
import { invalidField, notFoundAsUndefined } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'

/**
 * The id of the project's credential that somebody names, by id or name. Throws `validation_failed`, naming `path`, where
 * there is none, it is not active, not lent to operations, or of a type that `taken` does not name.
 */
export async function resolveCredential(
  deps: Pick<Deps, 'internal'>,
  projectId: string,
  { reference, path, taken }: { reference: string; path: string; taken: readonly string[] },
): Promise<string> {
  const found = await deps.internal
    .call(describeCredentialEndpoint, { project_id: projectId }, { params: { reference } })
    .catch(notFoundAsUndefined)
  const fault = faultOf(found, taken)
  if (found !== undefined && fault === undefined) return found.id
  throw invalidField(path, `${fault}`)
}

function faultOf(credential: Credential | undefined, taken: readonly string[]): string | undefined {
  if (credential === undefined) return 'is not a credential of this project'
  if (!credential.is_active) return 'is not active'
  const { jobs, step_types: stepTypes } = credential.limits
  if (jobs !== undefined || stepTypes !== undefined)
    return 'is limited to jobs or step types, and is not lent to operations on certificates'
  const type = lentTypeOf(credential)
  return taken.includes(type) ? undefined : `is of type ${type}; ${taken.join(' or ')} is taken`
}
