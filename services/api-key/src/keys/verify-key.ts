import { hashApiKey, isWellFormedApiKey, type KeyUse } from '@opsconductor/auth'
import type { KeyVerification } from '@opsconductor/contracts'
import type { Events } from '../events.ts'
import { mayManage } from './key-grants.ts'
import type { KeyStore } from './store.ts'

interface Needs {
  keys: Pick<KeyStore, 'findByHash'>
  keyUse: Pick<KeyUse, 'record'>
  events: Pick<Events, 'keyVerified'>
  pepper: string
  now: () => number
}

/**
 * Is the key valid now, and what does it open? A malformed one is refused without a look-up. A key never holds more
 * than its maker does now: it ends with the maker's membership or activity, and loses its scopes with their role.
 */
export async function verifyKey(needs: Needs, key: string): Promise<KeyVerification> {
  const answer = isWellFormedApiKey(key) ? await lookUp(needs, key) : refused('malformed_api_key')
  if (answer.valid) needs.keyUse.record(answer.key_id, needs.now())
  needs.events.keyVerified(answer.valid ? 'valid' : answer.code)
  return answer
}

async function lookUp({ keys, pepper, now }: Needs, key: string): Promise<KeyVerification> {
  const found = await keys.findByHash(hashApiKey(key, pepper))
  if (found === undefined) return refused('unknown_api_key')
  const { projectId, makerRole, expiresAt } = found
  if (!found.isActive || !found.makerIsActive || projectId === null || makerRole === null)
    return refused('revoked_api_key')
  if (expiresAt !== null && expiresAt.getTime() <= now()) return refused('expired_api_key')
  return {
    valid: true,
    key_id: found.id,
    user_id: found.userId,
    project_id: projectId,
    public_interface_id: found.publicInterfaceId,
    scopes: mayManage(makerRole) ? found.scopes : [],
    expires_at: expiresAt === null ? null : expiresAt.toISOString(),
  }
}

type Refusal = Extract<KeyVerification, { valid: false }>['code']
const refused = (code: Refusal): KeyVerification => ({ valid: false, code })
