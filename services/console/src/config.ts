import { commonConfig, httpUrl, readConfig } from '@opsconductor/service-kit'

/** Which services' documents are merged, with the variable that says where each one's public listener is. */
export const documented = {
  'api-key': 'API_KEY_PUBLIC_URL',
  'secrets-broker': 'SECRETS_BROKER_PUBLIC_URL',
  executor: 'EXECUTOR_PUBLIC_URL',
  'interface-registry': 'INTERFACE_REGISTRY_PUBLIC_URL',
  'cert-agent': 'CERT_AGENT_PUBLIC_URL',
} as const

const shape = {
  ...commonConfig({ publicPort: 3010, internalPort: 3006 }),
  API_KEY_PUBLIC_URL: httpUrl.default('http://127.0.0.1:3011'),
  INTERFACE_REGISTRY_PUBLIC_URL: httpUrl.default('http://127.0.0.1:3012'),
  SECRETS_BROKER_PUBLIC_URL: httpUrl.default('http://127.0.0.1:3013'),
  EXECUTOR_PUBLIC_URL: httpUrl.default('http://127.0.0.1:3014'),
  CERT_AGENT_PUBLIC_URL: httpUrl.default('http://127.0.0.1:3015'),
}

export type Config = ReturnType<typeof readConsoleConfig>

export const readConsoleConfig = (environment: NodeJS.ProcessEnv = process.env) =>
  readConfig(environment, shape)
