import {
  type CheckResult,
  checkMsMax,
  type LentCredential,
  type OutboundPolicy,
  type runCheckEndpoint,
} from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { createReach, limitsOf, secretsOf } from '@opsconductor/reach'
import { createRedactor, type Redactor } from '@opsconductor/redact'
import { createSshPool } from '@opsconductor/ssh'
import type { z } from 'zod'
import type { StepArtefacts } from '../artefacts/step-artefacts.ts'
import type { ExecutorEvents } from '../events.ts'
import { createTokenCache } from '../http/auth/token-cache.ts'
import { toClientCertificate, toCredentialError, toStepCredential } from '../run-job/lent-credential.ts'
import type { RunJobDeps } from '../run-job/run-job-deps.ts'
import { createStepTools } from '../run-job/step-tools.ts'
import { httpGet } from '../step-types/http-get.ts'
import { snmpGet } from '../step-types/snmp-get.ts'
import { sqlQuery } from '../step-types/sql-query.ts'
import { sshExec } from '../step-types/ssh-exec.ts'
import { tlsCheck } from '../step-types/tls-check.ts'
import { attempt } from './attempts.ts'
import { toFault } from './check-fault.ts'

type Request = z.infer<typeof runCheckEndpoint.request>
type CheckDeps = Pick<
  RunJobDeps,
  | 'httpClients'
  | 'databases'
  | 'outboundPolicyOf'
  | 'lendCredential'
  | 'lendConnector'
  | 'resolve'
  | 'trustOf'
  | 'mibsOf'
> & {
  events: Pick<ExecutorEvents, 'checkEnded' | 'checkBroke'>
}

/** What takes the credential in a job; a check takes the same types. */
const stepTypeOf = { http: httpGet, sql: sqlQuery, snmp: snmpGet, ssh: sshExec, tls: tlsCheck } as const

/**
 * Borrows what is to be tried, and tries it on the target as a step would. What is wrong with credential or target is the
 * answer; throws only what is wrong with us: `service_unavailable` where the broker or our database is away.
 */
export async function runCheck(deps: CheckDeps, request: Request, msMax = checkMsMax): Promise<CheckResult> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(outOfTime(msMax)), msMax)
  const startedAt = performance.now()
  try {
    const fault = await tryOnce(deps, request, { msMax, signal: timeout.signal })
    const latency_ms = Math.round(performance.now() - startedAt)
    deps.events.checkEnded(request, fault?.code ?? 'ok')
    return fault === undefined ? { ok: true, latency_ms } : { ok: false, latency_ms, ...fault }
  } finally {
    clearTimeout(timer)
  }
}

interface TimeLimit {
  msMax: number
  signal: AbortSignal
}

async function tryOnce(deps: CheckDeps, request: Request, limit: TimeLimit) {
  const lent = await borrow(deps, request, limit.signal)
  if (lent instanceof AppError) return { code: 'credential_unusable', message: lent.message } as const
  const policy = await deps.outboundPolicyOf(request.project_id)
  const redactor = createRedactor(secretsOf(lent))
  try {
    await tryTarget(deps, request, lent, policy, limit, redactor)
    return undefined
  } catch (error) {
    const fault = toFault(error)
    if (fault !== undefined) return { code: fault.code, message: oneLine(redactor.redact(fault.message)) }
    deps.events.checkBroke(request, error, redactor.redact)
    // Without its cause, which may quote what was lent.
    throw new AppError('internal_error', 'Something went wrong on our side.')
  }
}

/** The credential, if there is any, or why it cannot be used. */
async function borrow(
  deps: CheckDeps,
  { credential, connector, project_id, check_id }: Request,
  signal: AbortSignal,
): Promise<LentCredential | AppError | undefined> {
  const use = { project_id, check_id }
  try {
    if (credential !== undefined) return await deps.lendCredential(credential, use, signal)
    return connector?.has_credential ? await deps.lendConnector(connector.id, use, signal) : undefined
  } catch (error) {
    if (signal.aborted)
      throw new AppError('service_unavailable', 'The secrets broker did not answer in time.', {
        retryAfterSeconds: 2,
      })
    const known = toCredentialError(error)
    if (known.code === 'service_unavailable') throw known
    return known
  }
}

async function tryTarget(
  deps: CheckDeps,
  { project_id: projectId, check_id, check }: Request,
  lent: LentCredential | undefined,
  policy: OutboundPolicy,
  { msMax, signal }: TimeLimit,
  redactor: Redactor,
): Promise<void> {
  const stepType = stepTypeOf[check.kind]
  const isShown = check.kind === 'tls'
  const { hosts, caBundles } = limitsOf(lent)
  const reach = createReach({ projectId, policy, resolve: deps.resolve, limitsHosts: hosts })
  const sshPool = createSshPool()
  const tools = createStepTools({
    httpClients: { ...deps.httpClients, ...freshTokens(lent) },
    projectId,
    credential: isShown ? undefined : toStepCredential(stepType, lent),
    clientCertificate: isShown ? toClientCertificate(stepType, lent) : undefined,
    reach,
    trust: deps.trustOf(projectId, caBundles),
    mibs: () => deps.mibsOf(projectId),
    idempotencyKey: check_id,
    artefacts: noArtefacts,
    progress: () => {},
    timeoutMs: msMax,
    signal,
    record: () => {},
    alsoRedact: (text) => redactor.add(text),
    // A connection that logged in earlier would prove nothing.
    useDatabase: deps.databases.useFresh,
    sshPool,
  })
  try {
    await untilAborted(attempt(check, tools), signal)
  } finally {
    sshPool.close()
  }
}

/**
 * A token that was given earlier would prove nothing either. But one that is refreshed uses its refresh token up, so that
 * steps must go on with what comes of it.
 */
const freshTokens = (lent: LentCredential | undefined) =>
  lent?.secret.refresh_token === undefined ? { tokens: createTokenCache() } : {}

/** A check leaves nothing behind. */
const noArtefacts: StepArtefacts = {
  write: () => Promise.reject(new AppError('step_failed', 'A check keeps no artefacts.')),
  read: () => Promise.reject(new AppError('step_failed', 'A check reads no artefacts.')),
}

/** Not everything on the way to a target hears the signal. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
  })
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
    work.catch(() => {})
  }
}

const outOfTime = (msMax: number) =>
  new AppError('step_timeout', `The target did not answer within ${msMax / 1000} seconds.`)

const messageCharactersMax = 300

const oneLine = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
    .trim()
    .slice(0, messageCharactersMax)
    .toWellFormed()
