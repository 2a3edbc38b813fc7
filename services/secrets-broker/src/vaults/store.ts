import type { ListVaults } from '@opsconductor/contracts'
import { isForeignKeyViolation, refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type pg from 'pg'
import { z } from 'zod'
import type { PrismaClient } from '../generated/client.ts'
import type { Sealed } from '../keyring/cipher.ts'

/** What is known of a vault without opening what proves who we are. */
export interface VaultRecord {
  id: string
  projectId: string
  name: string
  provider: string
  description: string | null
  settings: Record<string, unknown>
  version: number
  createdAt: Date
  updatedAt: Date
}

export type SealedVault = VaultRecord & { auth: Sealed }

const columns = `id, project_id AS "projectId", name, provider, description, settings, version,
  created_at AS "createdAt", updated_at AS "updatedAt"`

export async function insertVault(
  client: pg.PoolClient,
  vault: Omit<SealedVault, 'version' | 'createdAt' | 'updatedAt'> & { by: string },
): Promise<VaultRecord> {
  const { rows } = await client
    .query<VaultRecord>(
      `INSERT INTO secrets.vaults
         (id, project_id, name, provider, description, settings, auth_encrypted, key_id, created_by, updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) RETURNING ${columns}`,
      [
        vault.id,
        vault.projectId,
        vault.name,
        vault.provider,
        vault.description,
        JSON.stringify(vault.settings),
        vault.auth.ciphertext,
        vault.auth.keyId,
        vault.by,
      ],
    )
    .catch(throwRefusal)
  return rows[0] as VaultRecord
}

const refuseTakenName = refuseTaken('The project has a vault of this name; give another name.', {
  message: 'is taken in this project',
  constraint: 'vaults_project_id_name_key',
})

function throwRefusal(error: unknown): never {
  if (isForeignKeyViolation(error)) throw new AppError('not_found', 'There is no such project (any more).')
  return refuseTakenName(error)
}

/** The whole row as it shall be; its version goes up. */
export async function updateVaultRow(
  client: pg.PoolClient,
  vault: SealedVault,
  by: string,
): Promise<VaultRecord> {
  const { rows } = await client
    .query<VaultRecord>(
      `UPDATE secrets.vaults SET name = $3, description = $4, settings = $5, auth_encrypted = $6, key_id = $7,
         version = version + 1, updated_by = $8, updated_at = CURRENT_TIMESTAMP
       WHERE project_id = $1 AND id = $2 RETURNING ${columns}`,
      [
        vault.projectId,
        vault.id,
        vault.name,
        vault.description,
        JSON.stringify(vault.settings),
        vault.auth.ciphertext,
        vault.auth.keyId,
        by,
      ],
    )
    .catch(throwRefusal)
  return rows[0] as VaultRecord
}

export async function deleteVaultRow(client: pg.PoolClient, projectId: string, id: string): Promise<void> {
  await client.query('DELETE FROM secrets.vaults WHERE project_id = $1 AND id = $2', [projectId, id])
}

const columnOf = (reference: string): 'id' | 'name' => (z.uuid().safeParse(reference).success ? 'id' : 'name')

/** A vault of the project by id or name, with its auth still encrypted; `lock` holds it to the end of the transaction. */
export async function selectSealedVault(
  executor: pg.Pool | pg.PoolClient,
  projectId: string,
  reference: string,
  { lock = false } = {},
): Promise<SealedVault | undefined> {
  const { rows } = await executor.query<VaultRecord & Sealed>(
    `SELECT ${columns}, auth_encrypted AS ciphertext, key_id AS "keyId" FROM secrets.vaults
     WHERE project_id = $1 AND ${columnOf(reference)} = $2 ${lock ? 'FOR UPDATE' : ''}`,
    [projectId, reference],
  )
  const row = rows[0]
  if (row === undefined) return undefined
  const { ciphertext, keyId, ...record } = row
  return { ...record, auth: { ciphertext, keyId } }
}

/** How many credentials of the project read from the vault, by its id or its name. */
export async function countReferences(
  client: pg.PoolClient,
  { projectId, id, name }: { projectId: string; id: string | null; name: string },
): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM secrets.credentials
     WHERE project_id = $1 AND type = 'vault_ref' AND deleted_at IS NULL
       AND (extra->>'vault' = $2 OR lower(extra->>'vault') = $3)`,
    [projectId, name, id],
  )
  return rows[0]?.count ?? 0
}

// Not even the ciphertext is read where nobody will open it.
const omit = { authEncrypted: true, keyId: true, createdBy: true, updatedBy: true } as const

const toRecord = (row: Omit<VaultRecord, 'settings'> & { settings: unknown }): VaultRecord => ({
  ...row,
  settings: row.settings as VaultRecord['settings'],
})

export async function selectVault(
  prisma: PrismaClient,
  projectId: string,
  id: string,
): Promise<VaultRecord | undefined> {
  const row = await prisma.vault.findFirst({ where: { projectId, id }, omit })
  return row === null ? undefined : toRecord(row)
}

/** Newest first, one more than asked for. */
export async function selectVaults(
  prisma: PrismaClient,
  projectId: string,
  { name, ...page }: z.infer<typeof ListVaults>,
): Promise<VaultRecord[]> {
  const rows = await prisma.vault.findMany({
    where: { projectId, ...(name === undefined ? {} : { name }) },
    omit,
    ...pageArguments(page),
  })
  return rows.map(toRecord)
}
