import { commonConfig, httpUrl, internalKeyConfig, readConfig, secretText } from '@opsconductor/service-kit'
import { z } from 'zod'

const shape = {
  ...commonConfig({ publicPort: 3013, internalPort: 3003 }),
  ...internalKeyConfig,
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// URL'),
  API_KEY_URL: httpUrl.default('http://127.0.0.1:3001'),
  /** Master key of host_credentials. */
  SECRETS_KMS_KEY: secretText,
  /** Master key of credentials; SECRETS_KMS_KEY where unset. */
  ORCH_CRED_KEY: secretText.optional(),
}

export type BrokerConfig = z.infer<z.ZodObject<typeof shape>>

export const readBrokerConfig = (environment: NodeJS.ProcessEnv = process.env): BrokerConfig =>
  readConfig(environment, shape)
