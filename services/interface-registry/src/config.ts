import {
  commonConfig,
  httpUrl,
  internalKeyConfig,
  readConfig,
  secretText,
  signingKey,
} from '@opsconductor/service-kit'
import { z } from 'zod'

export const readRegistryConfig = (environment: NodeJS.ProcessEnv = process.env) =>
  withDefaults(
    readConfig(environment, {
      ...commonConfig({ publicPort: 3012, internalPort: 3002 }),
      ...internalKeyConfig,
      DATABASE_URL: z.url(),
      /** Signs grants for calls between projects. */
      GRANT_SIGNING_KEY: signingKey,
      /** The former one, for a day after it was changed: grants that it signed are still good. */
      GRANT_SIGNING_KEY_PREVIOUS: signingKey.optional(),
      API_KEY_URL: httpUrl.default('http://127.0.0.1:3001'),
      EXECUTOR_URL: httpUrl.default('http://127.0.0.1:3004'),
      SECRETS_BROKER_URL: httpUrl.default('http://127.0.0.1:3003'),
      TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
      KONG_ADMIN_URL: httpUrl.default('http://127.0.0.1:8001'),
      /** Sent as Kong-Admin-Token where the Admin API wants one. */
      KONG_ADMIN_TOKEN: secretText.optional(),
      /** The gateway as this service reaches it, for probes. */
      KONG_PROXY_URL: httpUrl.default('http://127.0.0.1:8000'),
      /** The gateway as clients see it; KONG_PROXY_URL by default. */
      PUBLIC_BASE_URL: httpUrl.optional(),
      /** This service's public listener as the gateway reaches it. */
      REGISTRY_UPSTREAM_URL: httpUrl.default('http://127.0.0.1:3012'),
      RECONCILE_SECONDS: z.coerce.number().int().min(1).max(3600).default(30),
      /** The gateway waits 35 s for us, so a call must be answered well before. */
      CALL_WAIT_SECONDS: z.coerce.number().min(0.1).max(28).default(25),
      /** A real Kong takes up to 5 s until a new route is live. */
      PUBLISH_WAIT_SECONDS: z.coerce.number().min(0.1).max(28).default(8),
    }),
  )

const withDefaults = <Config extends { PUBLIC_BASE_URL?: string | undefined; KONG_PROXY_URL: string }>(
  config: Config,
) => ({ ...config, PUBLIC_BASE_URL: trimmed(config.PUBLIC_BASE_URL ?? config.KONG_PROXY_URL) })

/** Without the slash that `new URL` adds, so that paths are simply appended. */
const trimmed = (url: string) => url.replace(/\/+$/, '')

export type RegistryConfig = ReturnType<typeof readRegistryConfig>
