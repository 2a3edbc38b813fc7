import { randomUUID } from 'node:crypto'
import type { reportHostKeyEndpoint } from '@opsconductor/contracts'
import { transaction } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { parseHostKey } from './parse-host-key.ts'
import { insertSeenHostKey } from './seen-host-key-store.ts'

/** Keeps a key that a host has shown until a person approves it. Trusts nothing. Throws `validation_failed`. */
export async function reportHostKey(
  { pool }: Deps,
  { project_id: projectId, host, port, key }: z.infer<typeof reportHostKeyEndpoint.request>,
): Promise<z.infer<typeof reportHostKeyEndpoint.answer>> {
  const { host: named, keyType, publicKey, fingerprint } = parseHostKey(key)
  if (named !== undefined) throw new AppError('validation_failed', 'body.key must be a type and a key alone')
  const seen = { id: randomUUID(), projectId, host, port, keyType, publicKey, fingerprint }
  return { pending: await transaction(pool, (client) => insertSeenHostKey(client, seen)) }
}
