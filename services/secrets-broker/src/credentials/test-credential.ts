import {
  type Check,
  type CredentialTestResult,
  checkMsMax,
  runCheckEndpoint,
  type TestCredential,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { findCredentialType } from '../credential-types/index.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { testVaultRef } from '../vaults/test-vault-ref.ts'
import { findCredential } from './find-credential.ts'

/** The executor ends a check by itself; this is only for one that does not answer. */
const answerMsMax = checkMsMax + 5_000

/**
 * Tries the credential on its target, through the executor and under the project's outbound policy. That it does not
 * work is an answer; throws `check_unavailable` where its type cannot be tried, `too_many_requests`,
 * `service_unavailable` without the executor. The read of the secret is logged where it is lent (use-credential.ts).
 */
export async function testCredential(
  deps: Deps,
  actor: ProjectActor,
  id: string,
  request: TestCredential,
): Promise<CredentialTestResult> {
  const { projectId, label: askedBy } = actor
  const credential = await findCredential(deps, projectId, id)
  const { id: credentialId, type, isActive } = credential
  if (!isActive) throw new AppError('conflict', 'The credential is not active, so nothing may use it.')
  const check = planCheck(type, request)
  deps.checkLimits.ofCredential.take(credentialId)
  deps.checkLimits.ofProject.take(projectId)
  if (check === 'vault') return testVaultRef(deps, actor, credential)
  const { checkId, close } = deps.checkGrants.open({ projectId, credentialId, askedBy })
  try {
    const result = await deps.internal.call(
      runCheckEndpoint,
      { check_id: checkId, project_id: projectId, credential: credentialId, check },
      { timeoutMs: answerMsMax },
    )
    deps.events.credentialTested({ projectId, credentialId, askedBy, code: result.ok ? 'ok' : result.code })
    return { ...result, checked_at: new Date().toISOString() }
  } finally {
    close()
  }
}

function planCheck(
  typeName: string,
  { url, method, expect_status, host, port }: TestCredential,
): Check | 'vault' {
  const plan = findCredentialType(typeName)?.check ?? unknownPlan
  switch (plan.kind) {
    case 'vault':
      refuseFields(
        { url, method, expect_status, host, port },
        'must not be given: this type is tested at its vault',
      )
      return 'vault'
    case 'sql':
      refuseFields(
        { url, method, expect_status, host, port },
        'must not be given: this type knows its own target',
      )
      return { kind: 'sql' }
    case 'http':
      refuseFields({ host, port }, 'must not be given: this type is tested by a request to url')
      if (url === undefined) throw wrongFields(['url'], 'is missing: this type is tested by a request to it')
      return { kind: 'http', url, method: method ?? 'GET', ...(expect_status && { expect_status }) }
    case 'ssh':
    case 'snmp':
    case 'tls':
      refuseFields({ url, method, expect_status }, 'must not be given: this type is tested at host and port')
      if (host === undefined) throw wrongFields(['host'], 'is missing: this type is tested there')
      return { kind: plan.kind, host, port: port ?? usualPort[plan.kind] }
    default:
      throw new AppError('check_unavailable', plan.why)
  }
}

const unknownPlan = { kind: 'unavailable', why: 'Credentials of this type cannot be tested yet.' } as const
const usualPort = { ssh: 22, snmp: 161, tls: 443 } as const

function refuseFields(given: Record<string, unknown>, message: string): void {
  const names = Object.keys(given).filter((name) => given[name] !== undefined)
  if (names.length > 0) throw wrongFields(names, message)
}

function wrongFields(names: string[], message: string): AppError {
  const errors = names.map((name) => ({ path: `body.${name}`, message }))
  return new AppError('validation_failed', errors.map(({ path }) => `${path} ${message}`).join('; '), {
    errors,
  })
}
