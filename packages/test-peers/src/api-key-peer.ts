import { randomInt, randomUUID } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  findCommonMemberEndpoint,
  jwksEndpoint,
  type KeyVerification,
  listMembershipsEndpoint,
  type Memberships,
  type Role,
  reportKeyUseEndpoint,
  roles,
  verifyKeyEndpoint,
} from '@opsconductor/contracts'
import { internalRoute } from '@opsconductor/service-kit'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { servePeer } from './serve-peer.ts'

export interface ApiKeyPeer {
  /** For API_KEY_URL. */
  url: string
  /** A signed-in person; without a project a member of none. */
  createUser(options?: {
    role?: Role
    projectId?: string
    isPlatformAdmin?: boolean
  }): Promise<{ userId: string; token: string }>
  /** Makes the person a member of one more project. */
  join(userId: string, membership: { projectId: string; role: Role }): void
  createKey(options: {
    projectId: string
    scopes?: readonly string[]
    publicInterfaceId?: string
    expiresAt?: Date
  }): string
  /** From now on the key is answered as revoked. Whoever cached it learns it by an event, which a test publishes. */
  revokeKey(key: string): void
  /** How often the key was asked for. */
  verificationsOf(key: string): number
  /** The ids of keys whose use was reported. */
  reportedKeyIds(): readonly string[]
  keyIdOf(key: string): string
  close(): Promise<void>
}

/** api-key's internal listener as other services see it: the contract's endpoints over real HTTP, people and keys in memory. */
export async function startApiKeyPeer(options: { internalKey?: string } = {}): Promise<ApiKeyPeer> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'peer', alg: 'EdDSA', use: 'sig' }
  const people = new Map<string, Memberships>()
  const keys = new Map<string, KeyVerification & { key_id: string }>()
  const asked = new Map<string, number>()
  const reported: string[] = []
  const listening = await servePeer(
    'api-key',
    [
      internalRoute(jwksEndpoint, async () => ({ keys: [jwk] })),
      internalRoute(
        listMembershipsEndpoint,
        async ({ request }) => people.get(request.user_id) ?? { is_platform_admin: false, items: [] },
      ),
      internalRoute(findCommonMemberEndpoint, async ({ params, request }) => {
        const has = ({ items }: Memberships, projectId: string | undefined, among: readonly Role[]) =>
          items.some(({ project_id, role }) => project_id === projectId && among.includes(role))
        const found = [...people.values()].some(
          (person) =>
            has(person, params.id, ['owner', 'admin']) && has(person, request.other_project_id, roles),
        )
        return { found }
      }),
      internalRoute(verifyKeyEndpoint, async ({ request: { key } }) => {
        asked.set(key, (asked.get(key) ?? 0) + 1)
        return keys.get(key) ?? { valid: false as const, code: 'unknown_api_key' as const }
      }),
      internalRoute(reportKeyUseEndpoint, async ({ request: { items } }) => {
        reported.push(...items.map((item) => item.key_id))
        return { updated: items.length }
      }),
    ],
    options.internalKey,
  )
  const known = (key: string) => {
    const entry = keys.get(key)
    if (entry === undefined) throw new Error('the peer made no such key')
    return entry
  }

  return {
    url: listening.url,
    async createUser({ role = 'viewer', projectId, isPlatformAdmin = false } = {}) {
      const userId = randomUUID()
      people.set(userId, {
        is_platform_admin: isPlatformAdmin,
        items: projectId === undefined ? [] : [{ project_id: projectId, role }],
      })
      const token = await new SignJWT()
        .setProtectedHeader({ alg: 'EdDSA', kid: 'peer' })
        .setSubject(userId)
        .setIssuer('opsconductor')
        .setAudience('opsconductor')
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(pair.privateKey)
      return { userId, token }
    },
    join(userId, { projectId, role }) {
      people.get(userId)?.items.push({ project_id: projectId, role })
    },
    createKey({ projectId, scopes = [], publicInterfaceId = null, expiresAt = null }) {
      const key = wellFormedKey()
      keys.set(key, {
        valid: true,
        key_id: randomUUID(),
        user_id: randomUUID(),
        project_id: projectId,
        public_interface_id: publicInterfaceId,
        scopes: [...scopes],
        expires_at: expiresAt === null ? null : expiresAt.toISOString(),
      })
      return key
    },
    revokeKey(key) {
      keys.set(key, { valid: false, code: 'revoked_api_key', key_id: known(key).key_id })
    },
    verificationsOf: (key) => asked.get(key) ?? 0,
    reportedKeyIds: () => reported,
    keyIdOf: (key) => known(key).key_id,
    close: () => listening.close(),
  }
}

/** Written again from the format's description, so that a slip in packages/auth does not hide itself here. */
function wellFormedKey(): string {
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const random = (length: number) =>
    Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
  const body = `oc_live_${random(8)}_${random(43)}`
  let checksum = ''
  for (let rest = crc32(body), place = 0; place < 6; rest = Math.floor(rest / 62), place++)
    checksum = alphabet[rest % 62] + checksum
  return body + checksum
}
