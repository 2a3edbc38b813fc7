import type { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Knex } from 'knex'
import { exchange, type HttpExchange } from '../http/exchange.ts'
import type { HttpClients } from '../http/http-clients.ts'
import { parseDsn } from '../sql/parse-dsn.ts'
import { runQuery } from '../sql/run-query.ts'
import type { StepCredential, StepTools } from '../step-types/define-step-type.ts'
import { isHostAllowed } from './host-limit.ts'

interface ToolsOf {
  httpClients: HttpClients
  projectId: string
  policy: OutboundPolicy
  credential: StepCredential | undefined
  /** The hosts that the credential may be sent to; null where it is not limited. */
  limitsHosts: readonly string[] | null
  idempotencyKey: string
  timeoutMs: number
  signal: AbortSignal
  record(exchange: HttpExchange): void
  /** The connections of the credential's database. */
  poolOf(credential: StepCredential, dsn: string): Knex
}

/** The only way in which steps and checks reach a target: under the project's policy and the credential's own limits. */
export function createStepTools(of: ToolsOf): StepTools {
  const { credential, signal } = of
  const assertHostAllowed = (host: string) => {
    if (of.limitsHosts === null || isHostAllowed(of.limitsHosts, host)) return
    throw new AppError(
      'outbound_denied',
      'The credential may not be sent to this host: its limits name others.',
    )
  }
  return {
    credential,
    idempotencyKey: of.idempotencyKey,
    signal,
    http: async (outgoing) => {
      assertHostAllowed(outgoing.url.hostname)
      return exchange(of.httpClients.clientFor(of.projectId, of.policy), outgoing, signal, of.record)
    },
    sql: async (query) => {
      const dsn = credential?.secret.dsn?.reveal()
      if (credential === undefined || dsn === undefined)
        throw new AppError('step_failed', 'The step needs a credential with a DSN.')
      assertHostAllowed(parseDsn(dsn).host)
      return runQuery(of.poolOf(credential, dsn), { ...query, timeoutMs: of.timeoutMs }, signal)
    },
  }
}
