import { CreateUser } from '@opsconductor/contracts'
import {
  ConfigError,
  commonConfig,
  httpUrl,
  internalKeyConfig,
  readConfig,
  secretText,
  signingKey,
} from '@opsconductor/service-kit'
import { z } from 'zod'

const shape = {
  ...commonConfig({ publicPort: 3011, internalPort: 3001 }),
  ...internalKeyConfig,
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// URL'),
  API_KEY_PEPPER: secretText,
  SESSION_SIGNING_KEY: signingKey,
  INTERFACE_REGISTRY_URL: httpUrl.default('http://127.0.0.1:3002'),
  ADMIN_EMAIL: CreateUser.shape.email.optional(),
  ADMIN_PASSWORD: CreateUser.shape.password.optional(),
}

export type ApiKeyConfig = z.infer<z.ZodObject<typeof shape>>

export function readApiKeyConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ApiKeyConfig {
  const config = readConfig(environment, shape)
  if ((config.ADMIN_EMAIL === undefined) !== (config.ADMIN_PASSWORD === undefined))
    throw new ConfigError('ADMIN_EMAIL and ADMIN_PASSWORD go together: set both or none')
  return config
}
