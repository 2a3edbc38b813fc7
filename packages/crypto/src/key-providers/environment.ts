import { deriveSeedKey } from '../master-key.ts'
import { createLocalKey, type LocalKey } from './define-key-provider.ts'

/** The key of a passphrase as `SECRETS_KMS_KEY` holds one, by the seed's derivation. Takes some 30 ms. */
export async function openEnvironmentKey(passphrase: string): Promise<LocalKey> {
  const { id, key } = await deriveSeedKey(passphrase)
  return createLocalKey(id, 'environment', key)
}
