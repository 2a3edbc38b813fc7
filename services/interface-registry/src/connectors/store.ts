import {
  type Connectivity,
  type ConnectorKind,
  connectorTopics,
  type ListConnectors,
} from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import type { z } from 'zod'
import { checkLasts } from '../monitoring/check-lasts.ts'

// Every function works in a transaction that acts for a project (`asProject`), and still says which rows it means.

export interface ConnectorFields {
  name: string
  displayName: string
  description: string | null
  settings: Record<string, unknown>
  isActive: boolean
  checkEverySeconds: number | null
}

/** As the broker sealed it, for the connector's own row alone. */
export interface Sealed {
  ciphertext: string
  keyId: string
}

/** What opens a connector: one of them or neither. */
export interface Opener {
  credentialId: string | null
  sealed: Sealed | null
}

export interface ConnectorRecord extends ConnectorFields {
  id: string
  projectId: string
  kind: ConnectorKind
  credentialId: string | null
  hasCredentials: boolean
  encryptionKeyId: string | null
  createdBy: string
  createdAt: Date
  updatedAt: Date
  version: string
  status: Connectivity['status']
  latencyMs: number | null
  checkedAt: Date | null
  lastSuccessAt: Date | null
  failures: number
  code: Connectivity['code']
  reason: string | null
}

export type NewConnector = ConnectorFields &
  Pick<ConnectorRecord, 'id' | 'projectId' | 'kind' | 'createdBy'> & { opener: Opener }

/** What a run must know of a connector, and the broker of what opens it. */
export interface BindableConnector extends Opener {
  id: string
  projectId: string
  name: string
  isActive: boolean
  version: string
  /** The check that is under way; null where it has gone on for too long. */
  checkId: string | null
}

const table = 'interface_registry.connectors'
const withState = `${table} c LEFT JOIN interface_registry.connector_states s ON s.connector_id = c.id`

/** The transaction that wrote the row as it is. */
const version = 'c.xmin::text AS version'

const columns = `c.id, c.project_id AS "projectId", c.name, c.display_name AS "displayName", c.description, c.kind, c.settings,
  c.credential_id AS "credentialId", c.encrypted_credentials IS NOT NULL AS "hasCredentials",
  c.encryption_key_id AS "encryptionKeyId", c.is_active AS "isActive", c.check_every_seconds AS "checkEverySeconds",
  c.created_by AS "createdBy", c.created_at AS "createdAt", c.updated_at AS "updatedAt", ${version},
  coalesce(s.status, 'unknown') AS status, s.latency_ms AS "latencyMs", s.checked_at AS "checkedAt",
  s.last_success_at AS "lastSuccessAt", coalesce(s.failures, 0) AS failures, s.code, s.reason`

/** What the project may use: its own, and those that were shared with it. */
const usableBy = (project: string) =>
  `(c.project_id = ${project} OR EXISTS (SELECT FROM interface_registry.connector_shares g
    WHERE g.connector_id = c.id AND g.project_id = ${project}))`

// The ciphertext is text to us, whatever it is made of.
const toBytes = (sealed: Sealed | null) => sealed && Buffer.from(sealed.ciphertext, 'utf8')

export async function insertConnector(
  client: pg.PoolClient,
  connector: NewConnector,
): Promise<ConnectorRecord> {
  const { opener, settings } = connector
  await client.query(
    `INSERT INTO ${table} (id, project_id, name, display_name, description, kind, settings, credential_id,
       encrypted_credentials, encryption_key_id, is_active, check_every_seconds, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      ...[connector.id, connector.projectId, connector.name, connector.displayName, connector.description],
      ...[connector.kind, JSON.stringify(settings), opener.credentialId],
      ...[toBytes(opener.sealed), opener.sealed?.keyId ?? null],
      ...[connector.isActive, connector.checkEverySeconds, connector.createdBy],
    ],
  )
  return (await selectConnector(client, connector.projectId, connector.id)) as ConnectorRecord
}

/** One that the project may use. */
export async function selectConnector(
  client: pg.PoolClient,
  projectId: string,
  id: string,
): Promise<ConnectorRecord | undefined> {
  const { rows } = await client.query<ConnectorRecord>(
    `SELECT ${columns} FROM ${withState} WHERE c.id = $2 AND ${usableBy('$1')}`,
    [projectId, id],
  )
  return rows[0]
}

export async function selectConnectorByName(
  client: pg.PoolClient,
  projectId: string,
  name: string,
): Promise<ConnectorRecord | undefined> {
  const { rows } = await client.query<ConnectorRecord>(
    `SELECT ${columns} FROM ${withState} WHERE c.project_id = $1 AND c.name = $2`,
    [projectId, name],
  )
  return rows[0]
}

/** One of the project's own, which nobody else changes until the transaction has ended. */
export async function lockOwnConnector(
  client: pg.PoolClient,
  projectId: string,
  id: string,
): Promise<ConnectorRecord | undefined> {
  const { rowCount } = await client.query(
    `SELECT FROM ${table} WHERE project_id = $1 AND id = $2 FOR UPDATE`,
    [projectId, id],
  )
  return rowCount === 0 ? undefined : selectConnector(client, projectId, id)
}

/** Those that the project may use, newest first, one more than asked for. */
export async function selectConnectors(
  client: pg.PoolClient,
  projectId: string,
  { kind, status, cursor, limit }: z.infer<typeof ListConnectors>,
): Promise<ConnectorRecord[]> {
  const { rows } = await client.query<ConnectorRecord>(
    `SELECT ${columns} FROM ${withState}
     WHERE ${usableBy('$1')} AND ($2::text IS NULL OR c.kind = $2) AND ($3::text IS NULL OR coalesce(s.status, 'unknown') = $3)
       AND ($4::uuid IS NULL OR (c.created_at, c.id) < (SELECT l.created_at, l.id FROM ${table} l WHERE l.id = $4))
     ORDER BY c.created_at DESC, c.id DESC LIMIT $5`,
    [projectId, kind ?? null, status ?? null, cursor ?? null, limit + 1],
  )
  return rows
}

/** `opener` undefined: the same as before. */
export async function updateConnector(
  client: pg.PoolClient,
  { id, projectId }: Pick<ConnectorRecord, 'id' | 'projectId'>,
  fields: ConnectorFields,
  opener: Opener | undefined,
): Promise<ConnectorRecord> {
  await client.query(
    `UPDATE ${table} SET name = $2, display_name = $3, description = $4, settings = $5, is_active = $6,
       check_every_seconds = $7, updated_at = now() WHERE id = $1`,
    [
      ...[id, fields.name, fields.displayName, fields.description, JSON.stringify(fields.settings)],
      ...[fields.isActive, fields.checkEverySeconds],
    ],
  )
  if (opener !== undefined)
    await client.query(
      `UPDATE ${table} SET credential_id = $2, encrypted_credentials = $3, encryption_key_id = $4 WHERE id = $1`,
      [id, opener.credentialId, toBytes(opener.sealed), opener.sealed?.keyId ?? null],
    )
  return (await selectConnector(client, projectId, id)) as ConnectorRecord
}

/** What was found of the connector as it was says nothing of what it is now; a check that is under way neither. */
export async function forgetConnectivity(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(
    `UPDATE interface_registry.connector_states SET status = 'unknown', latency_ms = NULL, code = NULL, reason = NULL,
       check_id = NULL, next_check_at = now() WHERE connector_id = $1`,
    [id],
  )
}

export async function removeConnector(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(`DELETE FROM ${table} WHERE id = $1`, [id])
}

/** One that the project may use, with what opens it. */
export async function selectBindable(
  client: pg.PoolClient,
  projectId: string,
  id: string,
): Promise<BindableConnector | undefined> {
  type Row = Omit<BindableConnector, 'sealed'> & { encrypted: Buffer | null; keyId: string }
  const { rows } = await client.query<Row>(
    `SELECT c.id, c.project_id AS "projectId", c.name, c.is_active AS "isActive", c.credential_id AS "credentialId",
       ${version}, c.encrypted_credentials AS encrypted, c.encryption_key_id AS "keyId",
       CASE WHEN s.check_started_at > now() - ${checkLasts} THEN s.check_id END AS "checkId"
     FROM ${withState} WHERE c.id = $2 AND ${usableBy('$1')}`,
    [projectId, id],
  )
  if (rows[0] === undefined) return undefined
  const { encrypted, keyId, ...row } = rows[0]
  return { ...row, sealed: encrypted && { ciphertext: encrypted.toString('utf8'), keyId } }
}

/** Tells every process, when the transaction commits. */
export const announceConnector = (client: pg.PoolClient, id: string): Promise<void> =>
  publishEvent(client, { topic: connectorTopics.connectorChanged, key: id })
