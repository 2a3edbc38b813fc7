import { commonConfig, httpUrl, internalKeyConfig, readConfig } from '@opsconductor/service-kit'
import { z } from 'zod'

export function readExecutorConfig(environment: Readonly<Record<string, string | undefined>> = process.env) {
  return readConfig(environment, {
    ...commonConfig({ publicPort: 3014, internalPort: 3004 }),
    ...internalKeyConfig,
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
    API_KEY_URL: httpUrl.default('http://127.0.0.1:3001'),
    INTERFACE_REGISTRY_URL: httpUrl.default('http://127.0.0.1:3002'),
    SECRETS_BROKER_URL: httpUrl.default('http://127.0.0.1:3003'),
    /** host:port */
    TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7233'),
    TEMPORAL_TLS: z.stringbool().default(false),
    /** How long a project keeps its worker after it was used last. */
    WORKER_IDLE_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
    /** Where SQLite files are kept, in a directory for each project; without it no step may use any. */
    SQLITE_DIRECTORY: z.string().min(1).optional(),
    ARTEFACT_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(1024)
      .default(100 * 1024 * 1024),
    /** Of all artefacts of one run. */
    RUN_ARTEFACT_BYTES_MAX: z.coerce
      .number()
      .int()
      .min(1024)
      .default(500 * 1024 * 1024),
    /** Where the workflow bundle is kept between starts; by default a private folder under the temporary one. */
    WORKFLOW_BUNDLE_DIR: z.string().min(1).optional(),
  })
}

export type ExecutorConfig = ReturnType<typeof readExecutorConfig>
