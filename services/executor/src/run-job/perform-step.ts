import type { LentCredential, OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import {
  createReach,
  holdSshCredential,
  limitsOf,
  type ProjectTrust,
  type Reach,
  throughBastions,
} from '@opsconductor/reach'
import type { Redactor } from '@opsconductor/redact'
import { fieldErrors } from '@opsconductor/service-kit'
import type { SshPool } from '@opsconductor/ssh'
import { createStepArtefacts } from '../artefacts/create-step-artefacts.ts'
import type { StepArtefacts } from '../artefacts/step-artefacts.ts'
import type { ArtefactOwner } from '../artefacts/store.ts'
import type { LentBastion } from '../bastions/borrow-bastions.ts'
import { applyConnector } from '../connectors/apply-connector.ts'
import type { UsableConnector } from '../connectors/usable-connector.ts'
import type { HttpExchange } from '../http/exchange.ts'
import { keepExchanges } from '../http/keep-exchanges.ts'
import type { AnyStepType, StepTools } from '../step-types/define-step-type.ts'
import { stepTypes } from '../step-types/index.ts'
import { createWebhookLog } from '../webhooks/create-webhook-log.ts'
import type { WebhookLog } from '../webhooks/webhook-log.ts'
import type { StepRequest } from './activity-contract.ts'
import { toClientCertificate, toStepCredential } from './lent-credential.ts'
import type { RunJobDeps } from './run-job-deps.ts'
import { toStepResult } from './step-result.ts'
import { createStepTools } from './step-tools.ts'
import { waitMsMax, whileUnavailable } from './while-unavailable.ts'

/** One attempt of a step: what it is given and what it leaves behind. */
export interface StepAttempt {
  deps: RunJobDeps
  projectId: string
  request: StepRequest
  owner: ArtefactOwner
  idempotencyKey: string
  cancelled: AbortSignal
  redactor: Redactor
  exchanges: HttpExchange[]
  progress: StepTools['progress']
}

export interface Lent {
  /** What opens its connector, where the step names one. */
  credential: LentCredential | undefined
  connector?: UsableConnector
  clientCertificate: LentCredential | undefined
  bastions: LentBastion[]
}

/** Runs the step type's code with its tools, within the step's time; answers its result, free of secrets and of its right size. */
export async function performStep(attempt: StepAttempt, lent: Lent): Promise<unknown> {
  const { deps, request, cancelled, redactor } = attempt
  const stepType = knownType(request.type)
  const given = lent.connector === undefined ? request.input : applyConnector(lent.connector, request)
  const input = parseInput(stepType, given)
  const timeoutMs = request.timeoutSeconds * 1000
  const timeout = new AbortController()
  const timer = setTimeout(
    () =>
      timeout.abort(
        new AppError('step_timeout', `The step took longer than ${request.timeoutSeconds} seconds.`),
      ),
    timeoutMs,
  )
  const signal = AbortSignal.any([cancelled, timeout.signal])
  const artefacts = createStepArtefacts(deps.artefacts, attempt.owner, redactor, signal)
  try {
    const tools = await toolsFor(attempt, stepType, lent, { artefacts, timeoutMs, signal })
    const output = await stepType.run(input as never, tools)
    return await toStepResult(redactor.redactJson(output), request.stepId, artefacts.write)
  } finally {
    clearTimeout(timer)
  }
}

async function toolsFor(
  attempt: StepAttempt,
  stepType: AnyStepType,
  lent: Lent,
  limits: { artefacts: StepArtefacts; timeoutMs: number; signal: AbortSignal },
): Promise<StepTools> {
  const { deps, projectId, idempotencyKey, cancelled, redactor, exchanges, progress } = attempt
  const credential = toStepCredential(stepType, lent.credential)
  const clientCertificate = toClientCertificate(stepType, lent.clientCertificate)
  const waiting = { msMax: waitMsMax, signal: cancelled }
  const policy = await whileUnavailable(() => deps.outboundPolicyOf(projectId), waiting)
  const { hosts, caBundles } = limitsOf(lent.credential, lent.clientCertificate)
  // What opens a connector goes only to whom the connector's own project trusts.
  const trust = deps.trustOf(lent.connector?.project_id ?? projectId, caBundles)
  const direct = createReach({ projectId, policy, resolve: deps.resolve, limitsHosts: hosts })
  const reach = reachOf(direct, stepType, lent.bastions, { policy, trust, sshPool: deps.sshPool })
  return createStepTools({
    ...limits,
    httpClients: deps.httpClients,
    projectId,
    credential,
    clientCertificate,
    reach,
    trust,
    sshPool: deps.sshPool,
    mibs: () => whileUnavailable(() => deps.mibsOf(projectId), waiting),
    idempotencyKey,
    progress,
    record: keepExchanges(exchanges),
    alsoRedact: (text) => redactor.add(text),
    useDatabase: deps.databases.use,
    webhooks: webhookLogOf(attempt, limits.signal),
  })
}

function reachOf(
  direct: Reach,
  stepType: AnyStepType,
  bastions: LentBastion[],
  of: { policy: OutboundPolicy; trust: ProjectTrust; sshPool: SshPool },
): Reach {
  if (bastions.length === 0) return direct
  if (!stepType.takesVia) throw new AppError('step_failed', `${stepType.type} does not go through bastions.`)
  const hops = bastions.map(({ name, host, port, lent }) => ({
    ...{ name, host, port, credential: holdSshCredential(lent), limitsHosts: lent.limits_hosts },
  }))
  return throughBastions(direct, { bastions: hops, ...of })
}

function webhookLogOf(
  { deps, projectId, request, owner, idempotencyKey, redactor }: StepAttempt,
  signal: AbortSignal,
): WebhookLog {
  return createWebhookLog({
    ...{ store: deps.webhooks, projectId, request, attempt: owner.attempt, idempotencyKey, redactor, signal },
    onDisabled: (endpointId) => deps.events.webhookEndpointDisabled({ projectId, endpointId }),
    onNotWritten: (error) => deps.events.webhookNotRecorded(projectId, error),
  })
}

function knownType(type: string): AnyStepType {
  const stepType = stepTypes.get(type)
  if (stepType === undefined) throw new AppError('validation_failed', `There is no step type ${type}.`)
  return stepType
}

/** The rendered input as the step type takes it. */
export function parseInput(stepType: AnyStepType, input: unknown): Record<string, unknown> {
  const parsed = stepType.input.safeParse(input)
  if (parsed.success) return parsed.data
  const faults = fieldErrors(parsed.error, 'input').map(({ path, message }) => `${path} ${message}`)
  throw new AppError('validation_failed', faults.join('; ').slice(0, 500))
}
