import { isIP } from 'node:net'
import type pg from 'pg'
import type { Access } from './access.ts'

// The sub-select: a credential that was deleted a moment ago must not keep its access from being logged.
const insertSql = `
INSERT INTO secrets.credential_access_log
  (credential_id, host, purpose, accessed_by, access_type, success, error_message, ip_address,
   credential_uuid, project_id, run_id, step_id)
VALUES
  ((SELECT id FROM secrets.host_credentials WHERE id = $1 FOR KEY SHARE), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

export async function insertAccess(executor: pg.Pool | pg.PoolClient, access: Access): Promise<void> {
  await executor.query({
    name: 'insert-access',
    text: insertSql,
    values: [
      access.credentialId ?? null,
      access.host,
      access.purpose,
      access.by ?? null,
      access.type,
      access.error === undefined,
      access.error ?? null,
      inetOf(access.from),
      access.credentialUuid ?? null,
      access.projectId ?? null,
      access.runId ?? null,
      access.stepId ?? null,
    ],
  })
}

/** What PostgreSQL's INET takes of an address that may be anybody's word: no zone, no IPv4 in IPv6 clothes. */
export function inetOf(address: string): string | null {
  const plain = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(plain) === 0 ? null : plain
}
