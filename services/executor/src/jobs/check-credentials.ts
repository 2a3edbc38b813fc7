import {
  type Credential,
  describeCredentialEndpoint,
  type JobDefinition,
  lentTypeOf,
  type Step,
  stepsOfJob,
} from '@opsconductor/contracts'
import { type FieldError, notFoundAsUndefined } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'
import { clientCertificateType } from '../run-job/lent-credential.ts'
import { stepTypes } from '../step-types/index.ts'

/** Each credential that the steps name must be the project's, usable, and of a type that its step takes. */
export async function checkCredentials(
  internal: Pick<InternalClient, 'call'>,
  projectId: string,
  definition: Pick<JobDefinition, 'steps' | 'finally'>,
): Promise<FieldError[]> {
  const named = stepsOfJob(definition).flatMap(({ step, path }) => namedBy(step, `body.${path}`))
  const found = new Map<string, Credential | undefined>()
  for (const reference of new Set(named.map(({ reference }) => reference)))
    found.set(reference, await describe(internal, projectId, reference))
  return named.flatMap((one) => {
    const message = faultOf(found.get(one.reference), one)
    return message === undefined ? [] : [{ path: one.path, message }]
  })
}

interface NamedCredential {
  reference: string
  path: string
  /** What takes it, and of which types. */
  taker: string
  taken: readonly string[]
}

function namedBy({ type, credential, client_certificate }: Step, at: string): NamedCredential[] {
  const taken = stepTypes.get(type)?.credentials ?? []
  const named: NamedCredential[] = []
  if (credential !== undefined)
    named.push({ reference: credential, path: `${at}.credential`, taker: type, taken })
  if (client_certificate !== undefined)
    named.push({
      ...{ reference: client_certificate, path: `${at}.client_certificate` },
      ...{ taker: 'a client certificate', taken: [clientCertificateType] },
    })
  return named
}

function faultOf(
  credential: Credential | undefined,
  { taker, taken }: Pick<NamedCredential, 'taker' | 'taken'>,
): string | undefined {
  if (credential === undefined) return 'is not a credential of this project'
  if (!credential.is_active) return 'is not active'
  const lentType = lentTypeOf(credential)
  return taken.includes(lentType) ? undefined : `is of type ${lentType}; ${taker} takes ${taken.join(', ')}`
}

/** Why a credential cannot be taken; undefined where it can. */
export async function findCredentialFault(
  internal: Pick<InternalClient, 'call'>,
  projectId: string,
  named: Omit<NamedCredential, 'path'>,
): Promise<string | undefined> {
  return faultOf(await describe(internal, projectId, named.reference), named)
}

const describe = (
  internal: Pick<InternalClient, 'call'>,
  projectId: string,
  reference: string,
): Promise<Credential | undefined> =>
  internal
    .call(describeCredentialEndpoint, { project_id: projectId }, { params: { reference } })
    .catch(notFoundAsUndefined)
