import { Resolver } from 'node:dns'
import { operationWorkflow } from '@opsconductor/contracts'
import { commonConfig, httpUrl, internalKeyConfig, readConfig } from '@opsconductor/service-kit'
import { z } from 'zod'

function isResolver(text: string): boolean {
  try {
    new Resolver().setServers([text])
    return true
  } catch {
    return false
  }
}

export const readAgentConfig = (environment: Readonly<Record<string, string | undefined>> = process.env) =>
  readConfig(environment, {
    ...commonConfig({ publicPort: 3015, internalPort: 3005 }),
    ...internalKeyConfig,
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
    API_KEY_URL: httpUrl.default('http://127.0.0.1:3001'),
    SECRETS_BROKER_URL: httpUrl.default('http://127.0.0.1:3003'),
    EXECUTOR_URL: httpUrl.default('http://127.0.0.1:3004'),
    /** host:port */
    TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233'),
    TEMPORAL_TLS: z.stringbool().default(false),
    /** Of this installation's workflows, where several share a Temporal. */
    TEMPORAL_TASK_QUEUE: z.string().min(1).max(200).default(operationWorkflow.taskQueue),
    /** Where the workflow bundle is kept between starts; by default a private folder under the temporary one. */
    WORKFLOW_BUNDLE_DIR: z.string().min(1).optional(),
    /** How often what is served on a virtual host is looked at. */
    PROBE_EVERY_SECONDS: z.coerce.number().int().min(60).default(86_400),
    /** Asked for challenges of dns-01, as `address` or `address:port`; unset: the zones' own servers. */
    DNS_RESOLVERS: z
      .string()
      .transform((text) => text.split(','))
      .pipe(
        z
          .array(z.string().trim().refine(isResolver, 'must be addresses, with or without a port'))
          .min(1)
          .max(8),
      )
      .optional(),
    /** CA bundle in PEM for authorities that the system does not know, as a private ACME server. */
    ACME_CA_FILE: z.string().min(1).optional(),
  })

export type AgentConfig = ReturnType<typeof readAgentConfig>
