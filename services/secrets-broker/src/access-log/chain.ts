import { hash } from 'node:crypto'
import { isIP } from 'node:net'
import type { Access } from './access.ts'

/** The last row that the chain holds; `hash` in hex. */
export interface ChainHead {
  lastId: bigint
  hash: string
}

/** What was there before the first row. */
export const chainStart: ChainHead = { lastId: 0n, hash: '00'.repeat(32) }

/** A row as the access log keeps it, and as the chain is computed over it: column names, JSON's types. */
export interface AccessRow {
  id: string
  host: string
  purpose: string
  accessed_by: string | null
  access_type: string
  success: boolean
  error_message: string | null
  ip_address: string | null
  /** RFC 3339 in UTC, to the millisecond. */
  accessed_at: string
  credential_uuid: string | null
  project_id: string | null
  run_id: string | null
  step_id: string | null
  reason: string | null
  /** Which host credential it was. The table's `credential_id` becomes null when that one goes; this does not. */
  host_credential_id: number | null
}

/** A row with its hash, in hex. */
export interface ChainedRow extends AccessRow {
  chain_hash: string
}

/** A row as it was read back; `credentialFits` is false where its `credential_id` is not what it must be. */
export type StoredRow = ChainedRow & { credentialFits?: boolean }

/** The columns that the chain covers, in the order in which they are hashed: all but `credential_id`, which is checked beside it. */
const chained = [
  'id',
  'host',
  'purpose',
  'accessed_by',
  'access_type',
  'success',
  'error_message',
  'ip_address',
  'accessed_at',
  'credential_uuid',
  'project_id',
  'run_id',
  'step_id',
  'reason',
  'host_credential_id',
] as const satisfies readonly (keyof AccessRow)[]

/** SHA-256 over the hash before it and the row's columns as a JSON array, in hex. */
export function hashRow(before: string, row: AccessRow): string {
  const columns = JSON.stringify(chained.map((column) => row[column]))
  return hash('sha256', Buffer.concat([Buffer.from(before, 'hex'), Buffer.from(columns)]), 'hex')
}

/** The row that follows `head` for an access that happened at `at`. */
export function rowAfter(head: ChainHead, access: Access, at: Date): AccessRow {
  return {
    id: String(head.lastId + 1n),
    host: access.host,
    purpose: access.purpose,
    accessed_by: access.by ?? null,
    access_type: access.type,
    success: access.error === undefined,
    error_message: access.error ?? null,
    ip_address: inetOf(access.from),
    accessed_at: at.toISOString(),
    credential_uuid: access.credentialUuid?.toLowerCase() ?? null,
    project_id: access.projectId?.toLowerCase() ?? null,
    run_id: access.runId?.toLowerCase() ?? null,
    step_id: access.stepId ?? null,
    reason: access.reason ?? null,
    host_credential_id: access.credentialId ?? null,
  }
}

/** What PostgreSQL's INET takes of an address that may be anybody's word: no zone, no IPv4 in IPv6 clothes. */
export function inetOf(address: string): string | null {
  const plain = address.replace(/%.*$/, '')
  if (isIP(plain) !== 6) return isIP(plain) === 4 ? plain : null
  const spelled = oneSpelling(plain)
  const mapped = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(spelled)
  if (mapped === null) return spelled
  return mapped
    .slice(1)
    .map((word) => Number.parseInt(word, 16))
    .flatMap((word) => [word >> 8, word & 255])
    .join('.')
}

/** An IPv6 address in the one spelling that the chain is computed over: PostgreSQL has its own. */
export const oneSpelling = (address: string): string =>
  isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
