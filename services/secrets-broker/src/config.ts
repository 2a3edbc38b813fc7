import { faultOfSigningSecret, faultOfWebhookUrl } from '@opsconductor/notify'
import { commonConfig, httpUrl, internalKeyConfig, readConfig, secretText } from '@opsconductor/service-kit'
import { z } from 'zod'

/** `faultOf` says what is wrong with a text, or undefined. */
const faultless = (faultOf: (text: string) => string | undefined) =>
  z.string().superRefine((text, context) => {
    const message = faultOf(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

const shape = {
  ...commonConfig({ publicPort: 3013, internalPort: 3003 }),
  ...internalKeyConfig,
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must be a postgresql:// URL'),
  API_KEY_URL: httpUrl.default('http://127.0.0.1:3001'),
  EXECUTOR_URL: httpUrl.default('http://127.0.0.1:3004'),
  INTERFACE_REGISTRY_URL: httpUrl.default('http://127.0.0.1:3002'),
  CERT_AGENT_URL: httpUrl.default('http://127.0.0.1:3005'),
  /** Who holds the master key that a new database begins with. A later change is a rotation. */
  SECRETS_KEY_PROVIDER: z.enum(['environment', 'file', 'vault-transit', 'pkcs11']).default('environment'),
  /** Master key of host_credentials. Needed where no other provider holds the master key. */
  SECRETS_KMS_KEY: secretText.optional(),
  /** Master key of credentials; SECRETS_KMS_KEY where unset. */
  ORCH_CRED_KEY: secretText.optional(),
  /** A file with a master key; only its owner may read it. */
  SECRETS_MASTER_KEY_PATH: z.string().optional(),
  /** Vault or OpenBao transit: where it is, its key, and a token or an AppRole that may use it. */
  SECRETS_TRANSIT_URL: httpUrl.optional(),
  SECRETS_TRANSIT_KEY: z.string().optional(),
  SECRETS_TRANSIT_MOUNT: z.string().default('transit'),
  SECRETS_TRANSIT_NAMESPACE: z.string().optional(),
  SECRETS_TRANSIT_TOKEN: z.string().optional(),
  SECRETS_TRANSIT_ROLE_ID: z.string().optional(),
  SECRETS_TRANSIT_SECRET_ID: z.string().optional(),
  /** A PEM file with the CA of a Vault that no public one vouches for. */
  SECRETS_TRANSIT_CA_PATH: z.string().optional(),
  /** An HSM's library, its token, and the AES-256 key on it. */
  SECRETS_PKCS11_MODULE: z.string().optional(),
  SECRETS_PKCS11_TOKEN: z.string().optional(),
  SECRETS_PKCS11_PIN: z.string().optional(),
  SECRETS_PKCS11_KEY: z.string().optional(),
  /** How many versions of a credential are kept, the present one included. */
  CREDENTIAL_VERSIONS_MAX: z.coerce.number().int().min(1).max(1000).default(20),
  /** For tests, and for a vault's agent on the same machine: vaults on loopback addresses, also over plain http. */
  VAULTS_ALLOW_LOOPBACK: z.stringbool().default(false),
  /** How long a deleted credential can be restored. */
  CREDENTIAL_PURGE_DAYS: z.coerce.number().int().min(0).max(3650).default(30),
  /** Who is told of what expires, and what signs it. */
  NOTIFY_WEBHOOK_URL: faultless(faultOfWebhookUrl).optional(),
  NOTIFY_WEBHOOK_SECRET: faultless(faultOfSigningSecret).optional(),
}

export type BrokerConfig = z.infer<z.ZodObject<typeof shape>>

export const readBrokerConfig = (environment: NodeJS.ProcessEnv = process.env): BrokerConfig =>
  readConfig(environment, {
    ...shape,
    ...((environment.SECRETS_KEY_PROVIDER || 'environment') === 'environment'
      ? { SECRETS_KMS_KEY: secretText }
      : {}),
  })
