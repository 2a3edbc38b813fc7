import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import { extraWithCertificate } from '../credential-types/extra-with-certificate.ts'
import { findCredentialType } from '../credential-types/index.ts'
import { parseCredential } from '../credential-types/parse-credential.ts'
import type { VaultRefExtra } from '../credential-types/vault-ref.ts'
import type { VaultDeps } from './create-vaults.ts'
import type { VaultSecret } from './define-vault-provider.ts'
import { findVaultProvider } from './providers/index.ts'
import { type SealedVault, selectSealedVault } from './store.ts'
import { vaultError } from './vault-error.ts'

/** A credential as it is lent: what it is in the vault, not the reference to it. */
export interface FittedSecret {
  type: string
  secret: Record<string, string>
  extra: Record<string, unknown>
}

/** Which keys of the vault's secret become which secret fields. */
function secretFieldsOf({ as_type, fields }: VaultRefExtra): Record<string, string> {
  if (fields !== undefined) return fields
  const mainSecret = findCredentialType(as_type)?.mainSecret
  if (mainSecret === undefined)
    throw vaultError(
      'vault_secret_unfit',
      `The type ${as_type} has no main field: \`fields\` must name its fields.`,
    )
  return { [mainSecret]: 'value' }
}

const keysOf = (reference: VaultRefExtra): string[] => [
  ...new Set([...Object.values(secretFieldsOf(reference)), ...Object.values(reference.extra_fields ?? {})]),
]

/** The vault that the reference names; throws `vault_secret_not_found` where the project has none of that name. */
export async function findReferredVault(
  { pool }: VaultDeps,
  projectId: string,
  { vault: reference }: VaultRefExtra,
): Promise<SealedVault> {
  const vault = await selectSealedVault(pool, projectId, reference)
  if (vault === undefined)
    throw vaultError('vault_secret_not_found', 'The project has no such vault (any more).')
  return vault
}

/** The keys of the vault's secret that the reference needs, and no other. Throws errors with the codes `vault_…`. */
export async function readReference(
  { vaults }: VaultDeps,
  vault: SealedVault,
  reference: VaultRefExtra,
): Promise<VaultSecret> {
  const { path, version } = reference
  const keys = keysOf(reference)
  const fault = findVaultProvider(vault.provider)?.faultOfPath(path)
  if (fault !== undefined) throw vaultError('vault_secret_not_found', `The credential's path ${fault}.`)
  const connection = await vaults.connections.get(vault)
  // Ended by the connection's own time limit: others may wait for the same read.
  const { signal } = new AbortController()
  const secret = await connection.read({ path, version, keys }, { signal })
  return { ...secret, values: pick(secret.values, keys) }
}

function pick(values: Record<string, string>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    keys.map((key) => {
      const value = Object.hasOwn(values, key) ? values[key] : undefined
      if (value === undefined)
        throw vaultError('vault_secret_unfit', `The secret in the vault has no key ${key}.`)
      return [key, value]
    }),
  )
}

/** The values as the reference's type has them; throws `vault_secret_unfit`, which names fields and quotes nothing. */
export async function fitSecret(
  reference: VaultRefExtra,
  values: Record<string, string>,
): Promise<FittedSecret> {
  const fieldsFrom = (map: Record<string, string>) =>
    Object.fromEntries(Object.entries(map).map(([field, key]) => [field, values[key] as string]))
  try {
    const parsed = await parseCredential({
      type: reference.as_type,
      secret: fieldsFrom(secretFieldsOf(reference)),
      extra: { ...reference.as_extra, ...fieldsFrom(reference.extra_fields ?? {}) },
    })
    const extra = extraWithCertificate({ ...parsed.certificate, extra: parsed.extra })
    return { type: reference.as_type, secret: parsed.secret, extra }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'validation_failed') throw error
    const faults = error.errors?.map(({ path, message }) => `${path.replace(/^body\./, '')} ${message}`) ?? []
    throw vaultError('vault_secret_unfit', `As ${reference.as_type}: ${faults.join('; ')}.`.slice(0, 1000))
  }
}

/** Two references with the same hash read the same keys of the same place. */
export function hashOfSource(reference: VaultRefExtra): string {
  const { vault, path, version = null } = reference
  return createHash('sha256')
    .update(JSON.stringify([vault, path, version, keysOf(reference).sort()]))
    .digest('hex')
}
