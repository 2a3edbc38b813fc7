import { readFile } from 'node:fs/promises'
import {
  KeyRefused,
  KeyUnavailable,
  type MasterKey,
  openEnvironmentKey,
  openFileKey,
  openPkcs11Key,
  openTransitKey,
  type VaultLogin,
} from '@opsconductor/crypto'
import { ConfigError } from '@opsconductor/service-kit'
import type { BrokerConfig } from '../config.ts'

/** What a master key is for. */
export const keyUses = ['host_credentials', 'credentials'] as const
export type KeyUse = (typeof keyUses)[number]

/** The master keys that the configuration gives for each use; a new database begins with the first. */
export type ConfiguredKeys = Record<KeyUse, MasterKey[]>

/** Opens every master key that is configured, the one of `SECRETS_KEY_PROVIDER` first. Throws ConfigError. */
export async function openMasterKeys(config: BrokerConfig): Promise<ConfiguredKeys> {
  try {
    return await openConfiguredKeys(config)
  } catch (error) {
    const isOfKey = error instanceof KeyRefused || error instanceof KeyUnavailable
    throw isOfKey ? new ConfigError(error.message, { cause: error }) : error
  }
}

async function openConfiguredKeys(config: BrokerConfig): Promise<ConfiguredKeys> {
  const environment =
    config.SECRETS_KMS_KEY === undefined ? undefined : await openEnvironmentKey(config.SECRETS_KMS_KEY)
  const ofCredentials =
    config.ORCH_CRED_KEY === undefined ? environment : await openEnvironmentKey(config.ORCH_CRED_KEY)
  const elsewhere = [
    await openConfiguredFile(config),
    await openConfiguredTransit(config),
    await openConfiguredHsm(config),
  ]
  const chosenFirst = (keys: (MasterKey | undefined)[]) => {
    const isChosen = (key: MasterKey) => Number(key.provider === config.SECRETS_KEY_PROVIDER)
    return keys.filter((key) => key !== undefined).sort((a, b) => isChosen(b) - isChosen(a))
  }
  return {
    host_credentials: chosenFirst([environment, ...elsewhere]),
    credentials: chosenFirst([ofCredentials, ...elsewhere]),
  }
}

async function openConfiguredFile({ SECRETS_MASTER_KEY_PATH: path, ...config }: BrokerConfig) {
  if (path !== undefined) return openFileKey(path)
  return missing(config, 'file', 'SECRETS_MASTER_KEY_PATH')
}

async function openConfiguredTransit(config: BrokerConfig): Promise<MasterKey | undefined> {
  const {
    SECRETS_TRANSIT_URL: url,
    SECRETS_TRANSIT_KEY: keyName,
    SECRETS_TRANSIT_NAMESPACE: namespace,
  } = config
  const login = transitLogin(config)
  if (url === undefined || keyName === undefined || login === undefined)
    return missing(
      config,
      'vault-transit',
      'SECRETS_TRANSIT_URL, SECRETS_TRANSIT_KEY and SECRETS_TRANSIT_TOKEN (or SECRETS_TRANSIT_ROLE_ID and SECRETS_TRANSIT_SECRET_ID)',
    )
  const ca =
    config.SECRETS_TRANSIT_CA_PATH === undefined
      ? undefined
      : await readFile(config.SECRETS_TRANSIT_CA_PATH, 'utf8')
  return openTransitKey({
    url,
    login,
    keyName,
    mount: config.SECRETS_TRANSIT_MOUNT,
    ...(namespace === undefined ? {} : { namespace }),
    ...(ca === undefined ? {} : { ca }),
  })
}

function transitLogin(config: BrokerConfig): VaultLogin | undefined {
  const {
    SECRETS_TRANSIT_TOKEN: token,
    SECRETS_TRANSIT_ROLE_ID: roleId,
    SECRETS_TRANSIT_SECRET_ID: secretId,
  } = config
  if (token !== undefined) return { token }
  return roleId === undefined || secretId === undefined ? undefined : { roleId, secretId }
}

async function openConfiguredHsm(config: BrokerConfig): Promise<MasterKey | undefined> {
  const {
    SECRETS_PKCS11_MODULE: modulePath,
    SECRETS_PKCS11_TOKEN: tokenLabel,
    SECRETS_PKCS11_PIN: pin,
    SECRETS_PKCS11_KEY: keyLabel,
  } = config
  if (modulePath === undefined || tokenLabel === undefined || pin === undefined || keyLabel === undefined)
    return missing(
      config,
      'pkcs11',
      'SECRETS_PKCS11_MODULE, SECRETS_PKCS11_TOKEN, SECRETS_PKCS11_PIN and SECRETS_PKCS11_KEY',
    )
  return openPkcs11Key({ modulePath, tokenLabel, pin, keyLabel })
}

/** Nothing, unless it is the provider that was chosen. */
function missing(
  { SECRETS_KEY_PROVIDER: chosen }: Pick<BrokerConfig, 'SECRETS_KEY_PROVIDER'>,
  provider: BrokerConfig['SECRETS_KEY_PROVIDER'],
  variables: string,
): undefined {
  if (chosen === provider) throw new ConfigError(`SECRETS_KEY_PROVIDER is ${provider}: set ${variables}`)
}

/** Where a use's key comes from, for messages. */
export function keySource(config: BrokerConfig, keyUse: KeyUse): string {
  const sources = {
    environment:
      keyUse === 'host_credentials'
        ? 'SECRETS_KMS_KEY'
        : 'ORCH_CRED_KEY (or SECRETS_KMS_KEY, where it is unset)',
    file: 'The key in SECRETS_MASTER_KEY_PATH',
    'vault-transit': 'The key SECRETS_TRANSIT_KEY',
    pkcs11: 'The key SECRETS_PKCS11_KEY',
  }
  return sources[config.SECRETS_KEY_PROVIDER]
}
