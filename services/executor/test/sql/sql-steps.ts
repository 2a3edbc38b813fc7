import { randomUUID } from 'node:crypto'
import type { OutboundPolicy } from '@opsconductor/contracts'
import { createReach, type Reach, type ReachOf } from '@opsconductor/reach'
import { SecretValue } from '@opsconductor/redact'
import { createDatabases, type DatabaseAccess, type Databases } from '../../src/sql/databases.ts'
import type { AnyStepType, StepTools } from '../../src/step-types/define-step-type.ts'
import { sqlExecute } from '../../src/step-types/sql-execute.ts'
import { sqlQuery } from '../../src/step-types/sql-query.ts'
import { sqlScript } from '../../src/step-types/sql-script.ts'
import { trustOf } from '../support/step-trust.ts'

/** What steps answer, of whatever shape. */
export type Answer = ReturnType<typeof JSON.parse>

export interface StepOptions {
  timeoutMs?: number
  signal?: AbortSignal
  caBundles?: string[]
  clientCertificate?: { key: string; cert: string }
  policy?: Partial<OutboundPolicy>
  resolve?: ReachOf['resolve']
  limitsHosts?: string[][]
  /** As `bundle 0`, the first of `caBundles`. */
  limitsCaBundles?: string[][]
  /** Where `save_as` puts its rows. */
  artefacts?: Pick<StepTools['artefacts'], 'write'>
  /** In place of a socket from here. */
  connect?: Reach['connect']
}

type QueryOptions = StepOptions & { rows_max?: number; save_as?: string }

/** SQL steps on one database, run as `run-step.ts` runs them, on the real pools. */
export function sqlStepsOn(dsn: string, databases: Databases, defaults: StepOptions = {}) {
  const credentialId = randomUUID()
  const projectId = randomUUID()
  async function run(
    stepType: AnyStepType,
    input: Record<string, unknown>,
    own: StepOptions = {},
  ): Promise<Answer> {
    const options = { ...defaults, ...own }
    const timeoutMs = options.timeoutMs ?? 20_000
    const { signal = new AbortController().signal } = options
    const tools: Pick<StepTools, 'withDatabase' | 'artefacts'> = {
      artefacts: options.artefacts as StepTools['artefacts'],
      withDatabase: (work) =>
        databases.use(accessOf(dsn, { projectId, credentialId, ...options, timeoutMs, signal }), work),
    }
    return stepType.run(stepType.input.parse(input) as never, tools as StepTools)
  }
  return {
    query: (sql: string, parameters: unknown = [], extra: QueryOptions = {}) => {
      const { rows_max, save_as, ...options } = extra
      return run(sqlQuery, { sql, parameters, rows_max, save_as }, options)
    },
    execute: (input: string | Record<string, unknown>, options?: StepOptions) =>
      run(sqlExecute, typeof input === 'string' ? { sql: input } : input, options),
    script: (script: string, extra: Record<string, unknown> = {}) => run(sqlScript, { script, ...extra }),
  }
}

export type SqlSteps = ReturnType<typeof sqlStepsOn>

export function accessOf(
  dsn: string,
  of: StepOptions & { projectId: string; credentialId: string; timeoutMs: number; signal: AbortSignal },
): DatabaseAccess {
  const { port, hostname } = new URL(dsn)
  const open = {
    cidr: hostname === 'localhost' ? '127.0.0.1' : hostname || '127.0.0.1',
    ports: [Number(port) || 1],
  }
  const { clientCertificate: certificate } = of
  return {
    projectId: of.projectId,
    credential: { id: of.credentialId, secret: { dsn: new SecretValue(dsn) } },
    clientCertificate: certificate && {
      secret: { private_key: new SecretValue(certificate.key) },
      extra: { certificate: certificate.cert },
    },
    reach: {
      ...createReach({
        projectId: of.projectId,
        policy: { allow: [open], ...of.policy },
        resolve: of.resolve ?? (async () => [{ address: '127.0.0.1', family: 4 }]),
        limitsHosts: of.limitsHosts ?? [],
      }),
      ...(of.connect && { connect: of.connect }),
    },
    trust: trustOf(of.caBundles, of.limitsCaBundles),
    timeoutMs: of.timeoutMs,
    signal: of.signal,
  }
}

export { createDatabases, type Databases }

/** The error that the work ends with. */
export async function failureOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    (value) => new Error(`it succeeded: ${JSON.stringify(value)}`),
    (reason: Error & { code: string }) => reason,
  )
  const { code, message } = error as Error & { code: string }
  return { code, message }
}

/** Waits until the check says yes, at most 10 seconds. */
export async function until(check: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 10_000
  while (!(await check())) {
    if (Date.now() > giveUpAt) throw new Error('it did not become so in 10 seconds')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
