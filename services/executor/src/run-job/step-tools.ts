import { AppError } from '@opsconductor/errors'
import { createSshAccess } from '@opsconductor/reach'
import type { SshPool } from '@opsconductor/ssh'
import type { HttpExchange } from '../http/exchange.ts'
import type { HttpClients } from '../http/http-clients.ts'
import { sendOnce } from '../http/send-once.ts'
import type { DatabaseAccess, Databases } from '../sql/databases.ts'
import type { StepTools } from '../step-types/define-step-type.ts'
import { noWebhookLog } from '../webhooks/create-webhook-log.ts'
import type { WebhookLog } from '../webhooks/webhook-log.ts'

interface ToolsOf extends Omit<StepTools, 'http' | 'ssh' | 'accessTokens' | 'withDatabase' | 'webhooks'> {
  projectId: string
  httpClients: HttpClients
  record(exchange: HttpExchange): void
  useDatabase: Databases['use']
  sshPool: SshPool
  /** Without it no webhook is delivered: for what is no step. */
  webhooks?: WebhookLog
}

/** The only way in which steps and checks reach a target: under the project's policy and the credential's own limits. */
export function createStepTools({
  httpClients,
  record,
  useDatabase,
  sshPool,
  webhooks,
  ...of
}: ToolsOf): StepTools {
  const { credential } = of
  return {
    ...of,
    http: (outgoing) => sendOnce({ ...of, httpClients, record }, outgoing),
    accessTokens: httpClients.tokens,
    ssh: createSshAccess({ ...of, sshPool }),
    webhooks: webhooks ?? noWebhookLog,
    withDatabase: async (work) => {
      if (credential === undefined)
        throw new AppError('step_failed', 'The step needs a credential with a DSN.')
      return useDatabase({ ...of, credential } satisfies DatabaseAccess, work)
    },
  }
}
