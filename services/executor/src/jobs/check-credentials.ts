import { type Credential, describeCredentialEndpoint, lentTypeOf, type Step } from '@opsconductor/contracts'
import { AppError, type FieldError } from '@opsconductor/errors'
import type { InternalClient } from '@opsconductor/service-kit'
import { stepTypes } from '../step-types/index.ts'

/** Each credential that the steps name must be the project's, usable, and of a type that its step takes. */
export async function checkCredentials(
  internal: Pick<InternalClient, 'call'>,
  projectId: string,
  steps: readonly Step[],
): Promise<FieldError[]> {
  const references = new Set(steps.flatMap(({ credential }) => credential ?? []))
  const found = new Map<string, Credential | undefined>()
  for (const reference of references) found.set(reference, await describe(internal, projectId, reference))
  return steps.flatMap((step, index) => {
    if (step.credential === undefined) return []
    const message = fault(step, found.get(step.credential))
    return message === undefined ? [] : [{ path: `body.steps[${index}].credential`, message }]
  })
}

function fault({ type }: Step, credential: Credential | undefined): string | undefined {
  if (credential === undefined) return 'is not a credential of this project'
  if (!credential.is_active) return 'is not active'
  const taken = stepTypes.get(type)?.credentials ?? []
  const lentType = lentTypeOf(credential)
  return taken.includes(lentType) ? undefined : `is of type ${lentType}; ${type} takes ${taken.join(', ')}`
}

async function describe(
  internal: Pick<InternalClient, 'call'>,
  projectId: string,
  reference: string,
): Promise<Credential | undefined> {
  try {
    return await internal.call(
      describeCredentialEndpoint,
      { project_id: projectId },
      { params: { reference } },
    )
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined
    throw error
  }
}
