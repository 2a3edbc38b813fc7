import type { TestVault, VaultTestResult } from '@opsconductor/contracts'
import type { RateLimit } from '@opsconductor/service-kit'
import type { z } from 'zod'
import { readWithAccess } from '../access-log/record-access.ts'
import type { ProjectActor } from '../project-actor.ts'
import type { VaultDeps } from './create-vaults.ts'
import { findVaultProvider } from './providers/index.ts'
import { type SealedVault, selectSealedVault } from './store.ts'
import { accessToVault, vaultNotFound } from './vault-access.ts'
import { isVaultError, vaultError } from './vault-error.ts'

type Request = z.infer<typeof TestVault>

/** Asks the vault whether it lets us in or, with a path, for that secret; no value of it is answered. */
export async function testVault(
  deps: VaultDeps & { checkLimits: { ofProject: RateLimit } },
  actor: ProjectActor,
  id: string,
  request: Request,
): Promise<VaultTestResult> {
  const vault = await selectSealedVault(deps.pool, actor.projectId, id)
  if (vault === undefined) throw vaultNotFound()
  deps.checkLimits.ofProject.take(actor.projectId)
  const reason = `vault test${request.path === undefined ? '' : ` of ${request.path}`}`.slice(0, 200)
  const access = accessToVault(actor, { type: 'read', id: vault.id, name: vault.name, reason })
  const started = performance.now()
  const facts = () => ({
    latency_ms: Math.round(performance.now() - started),
    checked_at: deps.now().toISOString(),
  })
  try {
    const found = await readWithAccess(deps, access, () => tryVault(deps, vault, request))
    return { ok: true, ...facts(), ...found }
  } catch (error) {
    if (!isVaultError(error)) throw error
    return { ok: false, ...facts(), code: error.code, message: error.message }
  }
}

async function tryVault({ vaults }: VaultDeps, vault: SealedVault, { path, version }: Request) {
  const connection = await vaults.connections.get(vault)
  const { signal } = new AbortController()
  if (path === undefined) {
    await connection.check({ signal })
    return { keys: null, version: null }
  }
  const fault = findVaultProvider(vault.provider)?.faultOfPath(path)
  if (fault !== undefined) throw vaultError('vault_secret_not_found', `The path ${fault}.`)
  const secret = await connection.read({ path, version }, { signal })
  return { keys: Object.keys(secret.values).sort(), version: secret.version }
}
