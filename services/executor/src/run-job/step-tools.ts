import { AppError } from '@opsconductor/errors'
import type { Knex } from 'knex'
import { exchange, type HttpExchange } from '../http/exchange.ts'
import type { HttpClients } from '../http/http-clients.ts'
import { parseDsn } from '../sql/parse-dsn.ts'
import { runQuery } from '../sql/run-query.ts'
import type { StepCredential, StepTools } from '../step-types/define-step-type.ts'

interface ToolsOf extends Omit<StepTools, 'http' | 'sql'> {
  httpClients: HttpClients
  record(exchange: HttpExchange): void
  /** The connections of the credential's database. */
  poolOf(credential: StepCredential, dsn: string): Knex
}

/** The only way in which steps and checks reach a target: under the project's policy and the credential's own limits. */
export function createStepTools({ httpClients, record, poolOf, ...of }: ToolsOf): StepTools {
  const { credential, reach, signal } = of
  return {
    ...of,
    http: async (outgoing) => {
      reach.assertCredentialMayGoTo(outgoing.url.hostname)
      return exchange(httpClients.clientFor(reach), outgoing, signal, record)
    },
    sql: async (query) => {
      const dsn = credential?.secret.dsn?.reveal()
      if (credential === undefined || dsn === undefined)
        throw new AppError('step_failed', 'The step needs a credential with a DSN.')
      reach.assertCredentialMayGoTo(parseDsn(dsn).host)
      return runQuery(poolOf(credential, dsn), { ...query, timeoutMs: of.timeoutMs }, signal)
    },
  }
}
