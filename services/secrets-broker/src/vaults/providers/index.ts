import type { AnyVaultProvider } from '../define-vault-provider.ts'
import { awsSecretsManager } from './aws-secrets-manager.ts'
import { azureKeyVault } from './azure-key-vault.ts'
import { cyberarkCcp } from './cyberark-ccp.ts'
import { cyberarkConjur } from './cyberark-conjur.ts'
import { hashicorpVault } from './hashicorp-vault.ts'

export const vaultProviders: readonly AnyVaultProvider[] = [
  hashicorpVault,
  azureKeyVault,
  awsSecretsManager,
  cyberarkCcp,
  cyberarkConjur,
]

const byName = new Map(vaultProviders.map((provider) => [provider.provider, provider]))

export const findVaultProvider = (name: string): AnyVaultProvider | undefined => byName.get(name)
